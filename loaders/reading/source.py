"""A file to be loaded: its bytes, its members if it is an archive, its content hash, and the limits that protect us."""

from __future__ import annotations

import contextlib
import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO

from core.issues import BadInput, Issue
from loaders.reading.text import TextFacts, TextScan

HEAD = 64 * 1024
MAX_MEMBERS = 1_000
MAX_UNPACKED = 4 * 1024**3
MAX_RATIO = 200  # only looked at above _RATIO_FROM bytes: small texts repeat themselves
_RATIO_FROM = 64 * 1024**2
_BLOCK = 1024 * 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, RuntimeError)


@dataclass(slots=True)
class SourceRow:
    """Where something stands: the member of an archive (or sheet), the line of the file from 1, its raw text."""

    member: str | None
    line: int
    raw: str


class Source:
    """One file on disk. `label` is how it is named in reports: the path relative to what the user gave."""

    def __init__(self, path: Path, label: str | None = None) -> None:
        self.path = path
        self.label = label or str(path)

    def __reduce__(self) -> tuple[type[Source], tuple[Path, str]]:
        """For another process: the file, not what was learnt of it."""
        return Source, (self.path, self.label)

    @property
    def stem(self) -> str:
        """The file's name without its last suffix, in lower case."""
        return self.path.stem.strip().lower()

    @property
    def suffix(self) -> str:
        """The last suffix in lower case, with its dot."""
        return self.path.suffix.lower()

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    @cached_property
    def head(self) -> bytes:
        """The first 64 KiB."""
        with self.path.open("rb") as handle:
            return handle.read(HEAD)

    @property
    def is_archive(self) -> bool:
        """Whether it begins like a ZIP (workbooks do as well)."""
        return self.head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}

    @cached_property
    def members(self) -> list[str]:
        """Names of the files in the archive, checked to be safe and within the limits; [] if it is none.

        Raises:
            BadInput: for an archive that is damaged, unsafe or too large.
        """
        if not self.is_archive:
            return []
        with self._damage(), zipfile.ZipFile(self.path) as archive:
            infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise self.refused(f"holds {len(infos)} files", f"at most {MAX_MEMBERS}")
        total = 0
        for info in infos:
            self._check_member(info)
            total += info.file_size
        packed = max(self.size, 1)
        if total > MAX_UNPACKED or (total > _RATIO_FROM and total / packed > MAX_RATIO):
            raise self.refused(
                f"unpacks to {total} bytes",
                f"at most {MAX_UNPACKED} bytes, and at most {MAX_RATIO} times its size",
            )
        return [info.filename for info in infos if not info.is_dir()]

    def _check_member(self, info: zipfile.ZipInfo) -> None:
        name = info.orig_filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        link = stat.S_ISLNK(info.external_attr >> 16)
        if name.startswith("/") or ".." in parts or (parts and ":" in parts[0]) or link or "\x00" in name:
            raise self.refused(f'holds the unsafe path "{info.orig_filename}"', "members inside the archive")
        if info.flag_bits & 0x1:
            raise self.refused("is encrypted", "an archive without a password")

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except _BROKEN as error:
            if isinstance(error, FileNotFoundError | PermissionError):
                raise
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise self.refused(f"is a damaged or truncated archive ({reason})", "a complete ZIP file") from error

    def refused(self, message: str, expected: str | None = None, hint: str | None = None) -> BadInput:
        """The error that refuses this file as a whole."""
        return BadInput(Issue(file=self.label, message=message, expected=expected, hint=hint))

    @contextlib.contextmanager
    def open(self, member: str | None = None) -> Iterator[IO[bytes]]:
        """The bytes of the file, or of one member of the archive.

        Raises:
            BadInput: if the archive proves damaged while it is read.
        """
        if member is None:
            with self.path.open("rb") as handle:
                yield handle
        else:
            with self._damage(), zipfile.ZipFile(self.path) as archive, archive.open(member) as packed:
                yield packed

    @cached_property
    def _scans(self) -> dict[str | None, tuple[str, TextScan]]:
        result: dict[str | None, tuple[str, TextScan]] = {}
        plain = not self.members or self.is_workbook
        for name in [None] if plain else self.members:
            digest, scan = hashlib.sha256(), TextScan()
            with self.open(name) as handle, self._damage() if name else contextlib.nullcontext():
                while block := handle.read(_BLOCK):
                    digest.update(block)
                    scan.feed(block)
            scan.close()
            result[name] = digest.hexdigest(), scan
        return result

    @property
    def is_workbook(self) -> bool:
        """Whether it is a workbook: XLSX or XLSB, ODS, or the binary XLS."""
        if self.head.startswith(_OLE):
            return True
        if "[Content_Types].xml" in self.members:
            return any(name.startswith("xl/") for name in self.members)
        return "content.xml" in self.members and b"opendocument.spreadsheet" in self.head[:200]

    @property
    def is_locked(self) -> bool:
        """Whether it is an Office file that a password locks: its parts stand encrypted inside an OLE container."""
        if not self.head.startswith(_OLE) or len(self.head) < 512:
            return False
        size = 1 << min(self.head[30], 12)  # of a sector; the first sector of the directory stands at byte 48
        with self.path.open("rb") as handle:
            handle.seek((int.from_bytes(self.head[48:52], "little") + 1) * size)
            return "EncryptedPackage".encode("utf-16-le") in handle.read(size)

    @cached_property
    def sha256(self) -> str:
        """The content: of the bytes, or of the sorted members of an archive, so that packing it again is the same."""
        hashes = [digest for digest, _ in self._scans.values()]
        if None in self._scans:
            return hashes[0]
        return hashlib.sha256("\n".join(["archive", *sorted(hashes)]).encode()).hexdigest()

    def text_facts(self, member: str | None = None) -> TextFacts:
        """How the text is written: encoding, byte-order mark, line ends.

        Raises:
            BadInput: if it is no text.
        """
        shown = self.label if member is None else f"{self.label}/{member}"
        if member not in self._scans:
            raise BadInput(Issue(file=shown, message="is an archive", expected="a text file"))
        scan = self._scans[member][1]
        if scan.cut:
            raise BadInput(
                Issue(file=shown, message="ends in the middle of a letter", expected="a file that is not cut off")
            )
        if scan.facts is None:
            raise BadInput(Issue(file=shown, message="is no text file", expected="text in UTF-8, UTF-16 or cp1252"))
        return scan.facts

    @cached_property
    def head_text(self) -> str | None:
        """The beginning as text, None for binary content; never raises. For sniffing."""
        return TextScan.head(self.head)

    def member_head(self, member: str) -> str | None:
        """The beginning of a member as text, None for binary content; never raises."""
        try:
            with self.open(member) as handle:
                return TextScan.head(handle.read(HEAD))
        except BadInput:
            return None
