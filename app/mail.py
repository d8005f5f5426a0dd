"""Sends an e-mail through the SMTP server of the settings; the standard library only."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid

from core.issues import BadInput, Issue
from core.settings import Settings

SECONDS = 30


def recipients_of(text: str) -> list[str]:
    """The addresses in a comma-separated text.

    Raises:
        BadInput: for one that is no address.
    """
    listed = [address for _, address in getaddresses([text]) if address]
    wrong = [address for address in listed if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", address)]
    if wrong or not listed or "\n" in text or "\r" in text:
        raise BadInput(
            Issue(field="--to", found=", ".join(wrong) or text, expected="addresses such as tem@example.com")
        )
    return listed


def send(message: EmailMessage, settings: Settings) -> dict[str, str]:
    """Send one message; returns the recipients that the server refused, with its reason (the others were accepted).

    Raises:
        BadInput: if no server is set, it cannot be reached, its certificate is wrong, or it refuses the message.
    """
    if not settings.smtp_host:
        raise BadInput(Issue(message="no mail server is set", hint="set TEM_SMTP_HOST, or write a file with --out"))
    if settings.smtp_security not in {"starttls", "tls", "none"}:
        expected = "starttls, tls or none"
        raise BadInput(Issue(field="TEM_SMTP_SECURITY", found=settings.smtp_security, expected=expected))
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="opentem.local")
    password = settings.smtp_password.get_secret_value()
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with _connect(settings) as server:
            if settings.smtp_user:
                server.login(settings.smtp_user, password)
            refused = server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        named = "; ".join(f"{who}: {_reason(said)}" for who, said in error.recipients.items())
        raise BadInput(Issue(message=f"the mail server {where} refused every recipient: {named}")) from error
    except smtplib.SMTPAuthenticationError as error:
        raise BadInput(Issue(message=f"the mail server {where} refused user or password")) from error
    except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise BadInput(Issue(message=f"the mail server {where} did not take the message: {reason}")) from error
    return {who: _reason(said) for who, said in refused.items()}


def _connect(settings: Settings) -> smtplib.SMTP:
    if settings.smtp_security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=SECONDS, context=context)
    server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SECONDS)
    if settings.smtp_security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _reason(said: tuple[int, bytes]) -> str:
    return f"{said[0]} {said[1].decode('utf-8', 'replace')}".strip()
