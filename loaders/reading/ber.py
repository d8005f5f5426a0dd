"""BER-coded files (ASN.1) as trees of tagged nodes; the decoding is the library `asn1`'s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import asn1

from loaders.reading.declare import RowError

MAX_DEPTH = 32
_FILLER = "f"


class Damaged(ValueError):
    """The bytes are no BER; the message says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """An element of application class: its tag and its bytes, or the elements inside."""

    tag: int
    value: bytes | tuple[Node, ...]

    def __str__(self) -> str:
        """Everything in it as text: `44(16:3230...)`, bytes in hex."""
        if isinstance(self.value, bytes):
            return f"{self.tag}:{self.value.hex()}"
        return f"{self.tag}({' '.join(map(str, self.value))})"

    @property
    def inside(self) -> tuple[Node, ...]:
        """The elements directly inside."""
        return () if isinstance(self.value, bytes) else self.value

    def every(self, *tags: int) -> Iterator[Node]:
        """All nodes of these tags, this one included, in order; what is inside of one is not looked into."""
        if self.tag in tags:
            yield self
            return
        for node in self.inside:
            yield from node.every(*tags)

    def first(self, *tags: int) -> Node | None:
        """The first node of the first of these tags that occurs."""
        for tag in tags:
            for node in self.every(tag):
                return node
        return None

    def text(self, *tags: int) -> str | None:
        """The characters of :meth:`first`; None for blank ones."""
        node = self.first(*tags)
        if node is None or not isinstance(node.value, bytes):
            return None
        return node.value.decode("latin-1").strip() or None

    def digits(self, *tags: int) -> str | None:
        """The packed digits of :meth:`first`, two in a byte, the left half first, `f` at the end as filler."""
        node = self.first(*tags)
        if node is None or not isinstance(node.value, bytes):
            return None
        return node.value.hex().rstrip(_FILLER) or None

    def number(self, title: str, *tags: int) -> int | None:
        """The whole number of :meth:`first`.

        Raises:
            RowError: if it has more than eight bytes, or none.
        """
        node = self.first(*tags)
        if node is None:
            return None
        if not isinstance(node.value, bytes) or not 1 <= len(node.value) <= 8:
            raise RowError(title, str(node), "a whole number of up to eight bytes")
        return int.from_bytes(node.value, "big", signed=True)


def nodes(content: bytes, *containers: int) -> Iterator[Node]:
    """The elements of a file in order; of nested `containers` only what is inside is given.

    Raises:
        Damaged: for what is no BER or is nested too deeply.
    """
    decoder = asn1.Decoder(content)
    try:
        yield from _level(decoder, containers)
    except (asn1.Error, AssertionError, OverflowError, MemoryError) as error:
        raise Damaged(str(error).removeprefix("ASN1 decoding error: ").rstrip(".") or "no BER") from error


def _level(decoder: asn1.Decoder, containers: tuple[int, ...]) -> Iterator[Node]:
    while (tag := decoder.peek()) is not None:
        if tag[:1] == containers[:1] and tag.typ == asn1.Types.Constructed and tag.cls == asn1.Classes.Application:
            decoder.enter()
            yield from _level(decoder, containers[1:])
            decoder.leave()
        else:
            yield _node(decoder, tag, 0)


def _node(decoder: asn1.Decoder, tag: asn1.Tag, depth: int) -> Node:
    if tag.cls != asn1.Classes.Application:
        raise Damaged(f"an element of class {int(tag.cls)} stands where none can")
    if depth > MAX_DEPTH:
        raise Damaged(f"it is nested more than {MAX_DEPTH} deep")
    if tag.typ != asn1.Types.Constructed:
        return Node(tag.nr, decoder.read()[1])
    decoder.enter()
    inside = []
    while (following := decoder.peek()) is not None:
        inside.append(_node(decoder, following, depth + 1))
    decoder.leave()
    return Node(tag.nr, tuple(inside))


def tags_ahead(head: bytes, count: int) -> list[int]:
    """The tags of application class that the first `count` elements have, each inside the one before; [] if none."""
    decoder = asn1.Decoder(head)
    found: list[int] = []
    try:
        while len(found) < count and (tag := decoder.peek()) is not None and tag.cls == asn1.Classes.Application:
            found.append(tag.nr)
            if tag.typ != asn1.Types.Constructed:
                break
            decoder.enter()
    except (asn1.Error, AssertionError, OverflowError):
        return found
    return found
