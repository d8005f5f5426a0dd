"""FEBRABAN version 3 (V3R0): records 00 header, 10 summary, 20 address, 30 call, 40 service, 50 discount, 60 plan,
70 adjustment, 80 tax invoice, 90, 99 trailer.

Positions are those of the layout as two independent public parsers of real files read them. The invoice is the sum of
calls, services, plans, discounts and adjustments. What is not certain: the unit of a call's duration (see
:func:`_in_tenths`), the contents of record 90, and the decimals of a plan's measured use (kept as printed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import phonenumbers

from core import periods
from core.issues import Issue
from core.money import SCALE, to_text
from loaders.carriers.febraban import (
    LENGTH,
    Febraban,
    Open,
    Row,
    bare,
    compare_records,
    line_of,
    number_text,
    opened_by,
    remark,
    span_of,
    speed_of,
    summary_of,
    take_address,
    take_call,
    take_discount,
    take_nothing,
    usage_type_of,
)
from loaders.carriers.tally import UNITS
from loaders.contract import LIKELY, NO, SURE, Item, SourceRow
from loaders.reading.fixed import (
    Column,
    Record,
    clock6,
    column,
    count,
    day8,
    head_lines,
    implied,
    needed_day8,
    sign,
    signed,
)
from loaders.reading.source import Source

_COMMON = (
    column("sequence", 3, 14, "Controle de sequência", count),
    column("account", 15, 39, "Conta única"),
)


def _month6(text: str) -> str | None:
    value = text.strip()
    return periods.parse_month(f"{value[:4]}-{value[4:]}") if value.strip("0") else None


def _printed_sign(text: str) -> str:
    sign(text)
    return text.strip()


def _record(title: str, *columns: Column) -> Record:
    return Record(title, LENGTH, *_COMMON, *columns)


def _of_line(title: str, *columns: Column) -> Record:
    return _record(title, column("resource", 54, 78, "Identificador do recurso"), *columns)


def _money(key: str, first: int, title: str) -> Column:
    """Eleven digits and two decimals."""
    return column(key, first, first + 12, title, signed(2))


def _optional_money(key: str, first: int, title: str) -> Column:
    return column(key, first, first + 12, title, signed(2, optional=True))


HEADER = _record(
    "header",
    column("issued_on", 40, 47, "Data de emissão", needed_day8),
    column("month", 48, 53, "Mês de referência", _month6),
    column("due_on", 62, 69, "Vencimento", day8),
    column("operator_code", 70, 72, "Código da operadora"),
    column("operator", 73, 87, "Nome da operadora"),
    column("operator_tax_id", 88, 102, "CNPJ da operadora"),
    column("customer", 105, 119, "Código do cliente"),
    column("customer_name", 120, 149, "Nome do cliente"),
    column("tax_id", 150, 164, "CNPJ do cliente"),
    column("version", 165, 168, "Versão do formato"),
    column("invoice", 169, 184, "Número da fatura"),
)
SUMMARY = _of_line(
    "line summary",
    column("number", 84, 99, "Número do recurso"),
    column("activated_on", 104, 111, "Data da ativação", day8),
    column("disconnected_on", 112, 119, "Data da desativação", day8),
    _optional_money("calls", 129, "Valor das chamadas"),
    column("services", 151, 165, "Valor dos serviços", signed(2, optional=True)),
    _optional_money("total", 179, "Valor da conta do recurso"),
    column("speed", 194, 198, "Velocidade"),
    column("speed_unit", 199, 202, "Unidade da velocidade"),
)
ADDRESS = _of_line(
    "address",
    column("number", 79, 94, "Número do recurso"),
    column("city", 100, 114, "Localidade"),
    column("state", 115, 116, "UF"),
    column("street", 117, 146, "Endereço"),
    column("house", 147, 151, "Número"),
)
CALL = _of_line(
    "call",
    column("number", 84, 99, "Número do recurso"),
    column("day", 100, 107, "Data da ligação", day8),
    column("reach", 140, 141, "Código nacional/internacional"),
    column("peer", 164, 180, "Telefone chamado"),
    column("network", 181, 185, "Operadora de roaming"),
    column("duration", 189, 195, "Duração", count),
    column("code", 199, 201, "Sigla da categoria"),
    column("description", 202, 226, "Descrição da categoria"),
    column("time", 227, 232, "Horário", clock6),
    _money("amount", 238, "Valor com imposto"),
    column("collect", 279, 279, "Tipo de chamada"),
)
SERVICE = _of_line(
    "service",
    column("number", 84, 99, "Número do recurso"),
    column("day", 100, 107, "Data do serviço", day8),
    column("reach", 108, 109, "Código nacional/internacional"),
    column("peer", 110, 126, "Telefone de destino"),
    column("network", 127, 131, "Operadora de roaming"),
    column("quantity", 135, 140, "Quantidade", count),
    column("unit", 141, 142, "Unidade"),
    column("time", 143, 148, "Horário", clock6),
    column("code", 152, 154, "Sigla da categoria"),
    column("description", 155, 179, "Descrição da categoria"),
    _money("amount", 180, "Valor com imposto"),
)
DISCOUNT = _of_line(
    "discount",
    column("number", 79, 94, "Número do recurso"),
    column("code", 99, 101, "Sigla da categoria"),
    column("description", 102, 126, "Descrição da categoria"),
    column("base", 127, 139, "Base de cálculo", implied(2, optional=True)),
    column("percent", 153, 157, "Percentual", implied(2, optional=True)),
    column("sign", 158, 158, "Sinal", _printed_sign),
    _money("amount", 159, "Valor do desconto"),
    column("from", 172, 179, "Início", day8),
    column("to", 186, 193, "Fim", day8),
)
PLAN = _of_line(
    "plan",
    column("number", 79, 94, "Número do recurso"),
    column("from", 96, 103, "Início do ciclo", day8),
    column("to", 104, 111, "Fim do ciclo", day8),
    column("measured", 130, 141, "Consumo medido"),
    column("allowance", 142, 153, "Consumo franqueado"),
    column("unit", 154, 155, "Unidade"),
    column("description", 162, 186, "Descrição da categoria"),
    column("code", 187, 191, "Código do plano"),
    column("plan", 192, 216, "Descrição do plano"),
    _money("amount", 217, "Valor com imposto"),
)
ADJUSTMENT = _of_line(
    "adjustment",
    column("number", 79, 94, "Número do recurso"),
    column("code", 99, 101, "Sigla da categoria"),
    column("description", 102, 141, "Descrição da categoria"),
    column("sign", 160, 160, "Sinal", sign),
    _money("amount", 161, "Valor do ajuste"),
    column("from", 174, 181, "Início", day8),
    column("to", 188, 195, "Fim", day8),
)
TAX_INVOICE = _record(
    "tax invoice",
    _money("amount", 95, "Valor com impostos"),
    column("tax_invoice", 109, 120, "Número da nota fiscal"),
)
OTHER = _record("other")
TRAILER = _record(
    "trailer",
    _money("total", 77, "Valor total"),
    column("records", 90, 101, "Quantidade de registros", count),
    _optional_money("sum10", 102, "Valor dos registros 10"),
    column("n10", 115, 123, "Quantidade de registros 10", count),
    column("n20", 124, 132, "Quantidade de registros 20", count),
    _optional_money("sum30", 133, "Valor dos registros 30"),
    column("n30", 146, 154, "Quantidade de registros 30", count),
    _optional_money("sum40", 155, "Valor dos registros 40"),
    column("n40", 168, 176, "Quantidade de registros 40", count),
    column("sum50", 178, 190, "Valor dos registros 50", signed(2, optional=True)),
    column("n50", 191, 199, "Quantidade de registros 50", count),
    _optional_money("sum60", 200, "Valor dos registros 60"),
    column("n60", 213, 221, "Quantidade de registros 60", count),
    _optional_money("sum70", 223, "Valor dos registros 70"),
    column("n70", 236, 244, "Quantidade de registros 70", count),
    _optional_money("sum80", 245, "Valor dos registros 80"),
    column("n80", 258, 266, "Quantidade de registros 80", count),
)
_SUMMED = ("10", "30", "40", "50", "60", "70", "80")
_COUNTED = ("10", "20", *_SUMMED[1:])
#: what words of a service say of its category; the last match counts
_WORDS = (
    (r"terceiro", "third_party"),
    (r"assinatura|mensalidade|pacote", "mrc"),
    (r"parcel|aparelho", "equipment"),
    (r"multa|juros|encargo", "late_fee"),
)
_MEGABYTES = {"KB": (1, 1024), "MB": (1, 1), "GB": (1024, 1)}
_LONG_CALLS = 10


def _summary(opened: Open, row: Row) -> None:
    number, line = summary_of(opened, row)
    line.parts["usage", "Chamadas"] += row["calls"] or 0
    line.parts["occ", "Serviços"] += row["services"] or 0
    opened.sums["10"] += row["total"] or 0
    if number:
        dates = {"activated on": row["activated_on"], "disconnected on": row["disconnected_on"]}
        opened.line(number, None, {**dates, "speed": speed_of(row)})


def _call(opened: Open, row: Row) -> None:
    opened.sums["30"] += row["amount"]
    opened.calls.append(row)


def _abroad(network: str | None) -> bool:
    """Whether a roaming network (MCC and MNC) is outside Brazil, whose mobile country code is 724."""
    digits = (network or "").strip()
    return bool(digits.strip("0")) and not digits.startswith("724")


def _peer_country(row: Row) -> tuple[str, str | None]:
    """The number called and its country, where the record says that it is international."""
    peer = (row["peer"] or "").strip()
    if not (row["reach"] or "").strip().upper().startswith("I"):
        return peer.lstrip("0") or peer, None
    digits = peer.lstrip("0+")
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return peer, None
    region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return f"+{digits}", region if region not in {"BR", "ZZ", "001"} else None


def _use(opened: Open, row: Row, seconds: int | None) -> None:
    words = bare(f"{row['code'] or ''} {row['description'] or ''}")
    if _abroad(row["network"]):
        words += " roaming internacional"
    peer, country = _peer_country(row)
    take_call(opened, line_of(opened, row), row=row, seconds=seconds, words=words, peer=peer, country=country)


def _service(opened: Open, row: Row) -> None:
    opened.sums["40"] += row["amount"]
    number = line_of(opened, row)
    words = bare(f"{row['code'] or ''} {row['description'] or ''}")
    unit = (row["unit"] or "").upper()
    kind = "data" if unit in _MEGABYTES else usage_type_of(words)
    values: dict[str, Any] = {"item_code": row["code"], "description": row["description"]}
    if row["quantity"] is not None:
        values |= {"quantity": row["quantity"] * SCALE, "unit": row["unit"]}
    if kind in {"data", "sms"} and row["quantity"] is not None:
        factor, divisor = _MEGABYTES.get(unit, (1, 1))
        quantity = row["quantity"] * factor * SCALE // divisor
        zone = "roaming" if _abroad(row["network"]) or "roaming" in words else "home"
        values |= {"quantity": quantity, "unit": UNITS[kind], "zone": zone}
        if number:
            opened.line(number)
            opened.tally.add(number, kind, quantity, row["amount"], zone=zone)
    category = "usage" if kind in {"data", "sms"} else "occ"
    for pattern, found in _WORDS:
        if re.search(pattern, words):
            category = found
    if row["amount"]:
        opened.charge(number, category, row["amount"], **values)


def _discount(opened: Open, row: Row) -> None:
    amount = row["amount"] if row["sign"] == "+" else -abs(row["amount"])
    opened.sums["50"] += amount
    take_discount(opened, row, amount)


def _plan(opened: Open, row: Row) -> None:
    opened.sums["60"] += row["amount"]
    if row["from"] and row["to"] and row["from"] <= row["to"]:
        opened.periods[(row["from"], row["to"])] += 1
    attributes = {
        name: f"{row[key].lstrip('0') or '0'} {row['unit'] or ''}".strip()
        for name, key in (("measured", "measured"), ("allowance", "allowance"))
        if row[key]
    }
    opened.charge(
        line_of(opened, row),
        "mrc",
        row["amount"],
        item_code=row["code"],
        description=row["plan"] or row["description"],
        quantity=SCALE,
        unit_rate=row["amount"],
        attributes=attributes,
        **span_of(row),
    )


def _adjustment(opened: Open, row: Row) -> None:
    amount = row["sign"] * row["amount"]
    opened.sums["70"] += amount
    values = {"item_code": row["code"], "description": row["description"], **span_of(row)}
    opened.charge(line_of(opened, row), "adjustment", amount, **values)


def _tax_invoice(opened: Open, row: Row) -> None:
    opened.sums["80"] += row["amount"]


def _in_tenths(durations: list[int]) -> bool:
    """Whether seven digits of duration are tenths of a minute (as in version 2) and not HHHMMSS.

    Public descriptions differ. Minutes and seconds above 59 prove tenths; among ten or more calls of at least 100,
    none with seconds above 59 happens by chance once in 160 files of tenths: then it is HHHMMSS.
    """
    long = [value for value in durations if value >= 100]
    proved = any(value % 100 > 59 or value // 100 % 100 > 59 for value in durations)
    return proved or len(long) < _LONG_CALLS


def _seconds(value: int | None, tenths: bool) -> int | None:
    if value is None or tenths:
        return None if value is None else value * 6
    return value // 10_000 * 3600 + value // 100 % 100 * 60 + value % 100


class FebrabanV3(Febraban):
    """Loader of version 3."""

    name = "febraban_v3"
    title = "FEBRABAN telecom bill, version 3 (fixed width)"
    header, trailer = "00", "99"
    records: ClassVar = {
        "00": HEADER,
        "10": SUMMARY,
        "20": ADDRESS,
        "30": CALL,
        "40": SERVICE,
        "50": DISCOUNT,
        "60": PLAN,
        "70": ADJUSTMENT,
        "80": TAX_INVOICE,
        "90": OTHER,
        "99": TRAILER,
    }
    takes: ClassVar = {
        "10": _summary,
        "20": take_address,
        "30": _call,
        "40": _service,
        "50": _discount,
        "60": _plan,
        "70": _adjustment,
        "80": _tax_invoice,
        "90": take_nothing,
        "99": take_nothing,
    }

    def sniff(self, source: Source) -> float:
        """A header record with its running number, its date of issue and its version mark at their places."""
        lines = head_lines(source, 1)
        line = lines[0] if lines else ""
        if not line.startswith("00") or not line[2:14].isdigit() or line[164:166] != "V3":
            return NO
        return SURE if line[164:168] == "V3R0" and line[39:47].isdigit() else LIKELY

    def open(self, row: Row, place: SourceRow) -> Open:
        """The invoice of a header; without an invoice number it is named by account and day of issue."""
        month = row["month"] or row["issued_on"][:7]
        period = periods.month_start(month), periods.month_end(month)
        return opened_by(row, place, period, number_text(row["invoice"]), "customer", "tax_id", "operator_code")

    def settle(self, opened: Open, row: Row) -> Iterator[Item]:
        """The total; the waiting calls; remarks where the trailer's counts and sums are not those of the records."""
        opened.bill.total = row["total"]
        tenths = _in_tenths([call["duration"] for call in opened.calls if call["duration"]])
        for call in opened.calls:
            _use(opened, call, _seconds(call["duration"], tenths))
        if opened.calls and not tenths:
            yield remark(opened.bill, "durations of calls are read as HHHMMSS")
        yield from compare_records(opened, row)
        yield from self._compare(opened, row)

    def _compare(self, opened: Open, row: Row) -> Iterator[Issue]:
        for kind in _COUNTED:
            printed, found = row[f"n{kind}"], opened.counts[kind]
            if printed not in {None, found}:
                yield remark(opened.bill, f"the trailer counts {printed} records of type {kind}, the file has {found}")
        for kind in _SUMMED:
            printed, found = row[f"sum{kind}"], opened.sums[kind]
            if printed is not None and abs(printed) != abs(found):
                text = f"the trailer sums records of type {kind} to {to_text(printed)}, they sum to {to_text(found)}"
                yield remark(opened.bill, text)
