"""Headings compared as people read them: abbreviations written out, units and currencies in brackets left out."""

from __future__ import annotations

import re
from functools import lru_cache

_BRACKETED = re.compile(r"[(\[][^)\]]*[)\]]")
_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])")
_WORD = re.compile(r"[^\W_]+|[%#$€£]", re.UNICODE)
_ENDING = re.compile(r"(?<=[a-zäöüß]{3})(?:nummern?|nr)$")
_CODES = "EUR USD GBP CHF AUD CAD BRL SEK NOK DKK PLN CZK INR JPY NZD MXN ZAR SGD HUF RON"
_SIGNS = {"€": "EUR", "£": "GBP", "r$": "BRL"}  # the dollar sign is that of many
_CURRENCIES = frozenset(_CODES.casefold().split()) | {"€", "£", "$"}
_SHORT = {
    **dict.fromkeys(("no", "nr", "nbr", "num", "#", "n°", "nº", "numero", "número", "numéro", "nummer"), "number"),
    **dict.fromkeys(("acct", "acc", "a/c"), "account"),
    **{"inv": "invoice", "dt": "date", "amt": "amount", "qty": "quantity", "cust": "customer", "curr": "currency"},
    **{"desc": "description", "descr": "description", "chg": "charge", "chgs": "charges", "svc": "service"},
    **{"tel": "phone", "ph": "phone", "cell": "mobile", "cellular": "mobile", "emp": "employee", "dept": "department"},
    **{"prev": "previous", "bal": "balance", "tot": "total", "mth": "month", "mthly": "monthly", "rec": "recurring"},
    **{"betr": "betrag", "bez": "bezeichnung", "tél": "téléphone", "mnt": "montant", "dép": "département"},
}


@lru_cache(maxsize=20_000)
def words(heading: str) -> str:
    """`Inv # (EUR)` as `invoice number`; blank where nothing but a unit is left."""
    plain = _CAMEL.sub(" ", _BRACKETED.sub(" ", heading) if _BRACKETED.sub("", heading).strip() else heading)
    plain = re.sub(r"n[°º]", " number ", plain.casefold())
    found = [_SHORT.get(word, _ENDING.sub("nummer", word)) for word in _WORD.findall(plain)]
    kept = [word for word in found if word not in _CURRENCIES]
    return " ".join(kept or found)


def key(heading: str) -> str:
    """The words without blanks: `accountno` and `Acct. No.` are one."""
    return words(heading).replace(" ", "")


def currency(heading: str) -> str | None:
    """The currency that a heading names, such as EUR in `Betrag (EUR)`; None for none, or for more than one."""
    said = {sign_of for sign, sign_of in _SIGNS.items() if sign in heading.casefold()}
    said |= {word.upper() for word in _WORD.findall(heading.casefold()) if word.upper() in _CODES.split()}
    return said.pop() if len(said) == 1 else None
