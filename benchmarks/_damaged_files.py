"""Damaged copies of a file: lines lost, doubled, shuffled or cut, bytes flipped, another encoding; by seed."""

from __future__ import annotations

import random


def damaged(content: bytes, seed: int, *, encodings: bool = False) -> bytes:
    """A copy with one to three damages; with `encodings` one in eight is also written in another encoding."""
    chance = random.Random(seed)
    lines = content.split(b"\n")
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(lines))
        match chance.randrange(7):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, lines[place])
            case 2:
                chance.shuffle(lines)
            case 3:
                lines[place] = lines[place][: chance.randrange(len(lines[place]) + 1)]
            case 4 | 5 if lines[place]:
                at = chance.randrange(len(lines[place]))
                lines[place] = lines[place][:at] + bytes([chance.choice(b"0 9-A,|;\xe9")]) + lines[place][at + 1 :]
            case _:
                lines = lines[: place + 1]
        if not lines:
            return b"\n"
    result = b"\n".join(lines)
    if encodings and chance.randrange(8) == 0:
        return result.decode("cp1252", errors="replace").encode(chance.choice(("utf-8", "utf-16", "utf-8-sig")))
    return result
