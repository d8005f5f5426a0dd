"""The digest: one message, the same in every form, sent once to a mail server that may refuse it."""

from __future__ import annotations

import email
import json
import socketserver
import threading
from collections.abc import Iterator
from email import policy
from pathlib import Path

import estate
import pytest

import anomaly
from anomaly import watch_findings
from app import mail
from app.commands import digest as command
from app.reports import digest as report
from core import findings
from core.issues import BadInput
from core.settings import Settings, settings
from core.store import Store
from tests.anomaly.test_spend_moves import bills, extra
from tests.anomaly.test_watch import event
from tests.anomaly.tiny import write
from tests.run_command import run


class FakeServer(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it is given; it refuses what `refuse` is part of, and every password but one."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.messages: list[tuple[str, list[str], bytes]] = []
        self.refuse = "nobody@"
        self.logins: list[str] = []
        self.full = False

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Conversation(socketserver.StreamRequestHandler):
    server: FakeServer

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self) -> None:
        self.say("220 fake")
        sender, to = "", list[str]()
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].split()[0].upper()
            if verb == "EHLO":
                self.say("250-fake\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                self.server.logins.append(line)
                self.say("235 ok" if line.endswith("AHRlbQBzZXNhbWU=") else "535 no")  # \0tem\0sesame
            elif verb == "MAIL":
                sender = line
                self.say("250 ok")
            elif verb == "RCPT":
                bad = self.server.refuse in line
                self.say("550 no such user" if bad else "250 ok")
                to += [] if bad else [line]
            elif verb == "DATA":
                self.say("354 go on")
                lines = []
                while (raw := self.rfile.readline()) != b".\r\n":
                    lines.append(raw)
                self.server.messages.append((sender, to, b"".join(lines)))
                self.say("452 full" if self.server.full else "250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    with FakeServer() as fake:
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        for name, value in {
            "TEM_SMTP_HOST": "127.0.0.1",
            "TEM_SMTP_PORT": str(fake.port),
            "TEM_SMTP_SECURITY": "none",
            "TEM_SMTP_FROM": "tem@example.com",
            "TEM_DIGEST_TO": "a@example.com, B <b@example.com>",
        }.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        yield fake
        fake.shutdown()
    settings.cache_clear()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('digest') / 'tem.db'}")
    yield estate.fill(opened)
    opened.close()


def test_a_month_is_told_in_one_digest(filled: Store) -> None:
    made = report.build(filled, month="2026-09")
    assert made.subject.startswith("Telecom digest September 2026: ")
    titles = [section.title for section in made.sections]
    assert {"Policy", "Unusual line-months"} <= set(titles)
    policy_part = made.sections[titles.index("Policy")]
    assert policy_part.items[0].what == "Roaming at list price without a bundle: 1 hit"
    assert policy_part.items[0].money
    assert policy_part.total.endswith("each charge counted once")
    text, page = report.as_text(made), report.as_html(made)
    for section in made.sections:
        for item in section.items:
            assert item.what in text
    assert "http" not in page
    names = filled.frame("employees")["name"].dropna()
    assert not any(name in text for name in names)


def test_the_longest_lists_are_cut_and_say_so(filled: Store) -> None:
    long = report.build(filled, month="2026-09", top=50)
    short = report.build(filled, month="2026-09", top=1)
    for whole, cut in zip(long.sections, short.sections, strict=True):
        assert len(cut.items) + cut.more == len(whole.items)
    assert short.subject == long.subject


def test_dismissed_flags_are_counted_and_not_told(store: Store) -> None:
    filled = estate.fill(store)
    frame = findings.load(filled, queue="anomaly")
    ids = [str(i) for i, month in zip(frame["finding_id"], frame["month"], strict=True) if month == "2026-09"]
    findings.set_state(filled, ids, "dismissed", reason="known")
    made = report.build(filled, month="2026-09")
    assert "Unusual line-months" not in [section.title for section in made.sections]
    assert made.notes[0] == f"{len(ids)} flag{'' if len(ids) == 1 else 's'} of the month dismissed and not told again."


def test_decided_moves_of_spend_and_warnings_are_not_told_again(store: Store) -> None:
    rows = bills(("A", "2026-08", [extra("usage", "900", "ROAM", "9")]))
    rows["plans"][0]["data_mb"] = "1000"
    rows["usage_events"] = [event("L0", "2026-08-03", "1001")]
    write(store, rows)
    titles = {"Spend that moved", "Warnings of the running cycle"}
    assert {s.title for s in report.build(store, month="2026-08").sections} == titles
    anomaly.save(store, anomaly.flag_run(store, queue="spend"), "spend")
    watch_findings.keep(store)
    (move,) = findings.load(store, queue="spend")["finding_id"]
    first, last = findings.load(store, queue="watch").sort_values("explanation", ascending=False)["finding_id"]
    findings.set_state(store, [move, first], "dismissed", reason="a fair in Milan")
    made = report.build(store, month="2026-08")
    assert [item.what for s in made.sections for item in s.items if "passed 100 %" in item.what]
    assert made.notes[0] == "2 flags of the month dismissed and not told again."
    findings.set_state(store, [last], "implemented")
    assert report.build(store, month="2026-08").empty


def test_an_empty_store_has_nothing_to_tell(store: Store) -> None:
    with pytest.raises(BadInput, match="nothing to tell"):
        report.build(store)


def test_one_message_goes_to_all_recipients(filled: Store, server: FakeServer) -> None:
    sent = run(filled, command, ["digest", "--month", "2026-09", "--send"])
    assert sent.exit_code == 0, sent.output
    ((sender, to, raw),) = server.messages
    assert "tem@example.com" in sender
    assert len(to) == 2
    message = email.message_from_bytes(raw, policy=policy.default)
    made = report.build(filled, month="2026-09")
    assert message["Subject"] == made.subject
    text, page = message.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == report.as_text(made)
    assert page.get_content_type() == "text/html"
    assert message["Date"]
    assert message["Message-ID"]
    assert "2 of 2" in sent.stderr


def test_a_refused_recipient_is_named_and_the_others_get_it(filled: Store, server: FakeServer) -> None:
    server.refuse = "b@example.com"
    sent = run(filled, command, ["digest", "--month", "2026-09", "--send"])
    assert sent.exit_code == 0
    assert "b@example.com: 550 no such user" in sent.stderr
    assert "1 of 2" in sent.stderr
    server.refuse = "@"
    assert "every recipient" in str(run(filled, command, ["digest", "--month", "2026-09", "--send"]).exception)


def message() -> email.message.EmailMessage:
    return report.as_message(report.Digest("Subject", "Nothing.", "2026-09", ()), "a@example.com", ["b@example.com"])


def test_the_server_asks_for_a_password(server: FakeServer) -> None:
    held = Settings(smtp_user="tem", smtp_password="sesame")
    assert mail.send(message(), held) == {}
    assert "sesame" not in repr(held)
    with pytest.raises(BadInput, match="refused user or password") as refused:
        mail.send(message(), Settings(smtp_user="tem", smtp_password="open"))
    assert "open" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"smtp_host": ""}, "no mail server is set"),
        ({"smtp_security": "maybe"}, "starttls, tls or none"),
        ({"smtp_security": "starttls"}, "did not take the message"),  # it offers none
        ({"smtp_port": 1}, "did not take the message"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence(server: FakeServer, change: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        mail.send(message(), Settings(**change))
    assert server.messages == []


def test_a_full_server_is_told(server: FakeServer) -> None:
    server.full = True
    with pytest.raises(BadInput, match="452"):
        mail.send(message(), Settings())


@pytest.mark.parametrize("text", ["", "nobody", "a@b@c", "@x", "a@x.com\nBcc: b@x.com"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="addresses"):
        mail.recipients_of(text)


@pytest.mark.parametrize("suffix", ["txt", "html", "eml"])
def test_files_are_the_same_on_every_run(filled: Store, tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{n}.{suffix}" for n in range(2)]
    for path in paths:
        assert run(filled, command, ["digest", "--month", "2026-09", "--out", str(path)]).exit_code == 0
    texts = [path.read_bytes() for path in paths]
    if suffix == "eml":  # the boundary between the parts is drawn anew
        parts = [email.message_from_bytes(raw, policy=policy.default).get_body(("plain",)) for raw in texts]
        texts = [part.get_content().encode() for part in parts if part]
    assert len(set(texts)) == 1
    assert b"Telecom digest September 2026" in texts[0]


def test_the_command_prints_json_and_refuses_nonsense(filled: Store) -> None:
    shown = run(filled, command, ["digest", "--month", "2026-09", "--json"])
    assert json.loads(shown.stdout)["month"] == "2026-09"
    for wrong in (["--month", "soon"], ["--out", "digest.doc"], ["--as-of", "x"]):
        assert isinstance(run(filled, command, ["digest", *wrong]).exception, BadInput)
