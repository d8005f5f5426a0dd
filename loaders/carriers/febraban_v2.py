"""FEBRABAN version 2: records 0 header, 1 summary of a line, 2 address, 3 call, 4 service, 5 discount, 9 trailer.

Positions are those of the published layout, as three independent public parsers read them. The invoice is the sum of
the calls, services and discounts; summary records check each line, and give its charges where the bill is not itemised.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from loaders.carriers.febraban import (
    LENGTH,
    Febraban,
    Open,
    Row,
    bare,
    compare_records,
    country_of,
    line_of,
    number_text,
    opened_by,
    remark,
    speed_of,
    summary_of,
    take_address,
    take_call,
    take_discount,
    take_nothing,
)
from loaders.contract import NO, SURE, Item, SourceRow
from loaders.reading.declare import cycle_period
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

_TYPE = column("sequence", 2, 13, "Controle de sequência", count)


def _of_line(title: str, resource: int, phone: int, *columns: Column) -> Record:
    """A record of a line: its identifier begins at `resource`, its area code and number at `phone`."""
    return Record(
        title,
        LENGTH,
        _TYPE,
        column("resource", resource, resource + 24, "Identificador do recurso"),
        column("area", phone, phone + 1, "DDD"),
        column("phone", phone + 2, phone + 11, "Telefone"),
        *columns,
    )


HEADER = Record(
    "header",
    LENGTH,
    _TYPE,
    column("made_on", 14, 21, "Data da geração", day8),
    column("operator", 22, 36, "Operadora"),
    column("state", 37, 38, "UF da operadora"),
    column("customer", 39, 53, "Código do cliente"),
    column("customer_name", 54, 93, "Nome do cliente"),
    column("tax_id", 94, 108, "CNPJ do cliente"),
    column("account", 109, 133, "Conta única"),
    column("due_on", 134, 141, "Vencimento", day8),
    column("issued_on", 142, 149, "Emissão", needed_day8),
)
SUMMARY = _of_line(
    "line summary",
    55,
    110,
    column("place", 85, 109, "Localidade"),
    column("service", 122, 125, "Tipo de serviço"),
    column("service_text", 126, 160, "Descrição do serviço"),
    column("feature", 161, 175, "Característica do recurso"),
    column("speed", 178, 182, "Velocidade"),
    column("speed_unit", 183, 186, "Unidade da velocidade"),
    column("subscribed_from", 187, 194, "Início da assinatura", day8),
    column("subscribed_to", 195, 202, "Fim da assinatura", day8),
    column("used_from", 203, 210, "Início do serviço medido", day8),
    column("used_to", 211, 218, "Fim do serviço medido", day8),
    column("use", 231, 244, "Valor do consumo", signed(2, optional=True)),
    column("subscription", 245, 258, "Valor da assinatura", signed(2, optional=True)),
    column("icms", 261, 274, "Valor do ICMS", signed(2, optional=True)),
    column("other_taxes", 275, 288, "Outros impostos", signed(2, optional=True)),
    column("tax_invoice", 289, 300, "Nota fiscal"),
    column("total", 301, 314, "Valor da conta", signed(2, optional=True)),
)
ADDRESS = _of_line(
    "address",
    14,
    39,
    column("city", 71, 90, "Localidade"),
    column("state", 91, 92, "UF"),
    column("street", 93, 122, "Endereço"),
    column("house", 123, 127, "Número"),
)
CALL = _of_line(
    "call",
    30,
    60,
    column("day", 89, 96, "Data da ligação", day8),
    column("country", 153, 155, "País chamado"),
    column("peer_area", 156, 159, "DDD chamado"),
    column("peer", 160, 169, "Telefone chamado"),
    column("tenths", 172, 177, "Duração", count),
    column("code", 178, 180, "Categoria"),
    column("description", 181, 230, "Descrição da categoria"),
    column("time", 231, 236, "Horário", clock6),
    column("collect", 237, 237, "Tipo de chamada"),
    column("sign", 266, 266, "Sinal do valor", sign),
    column("amount", 272, 284, "Valor com impostos", implied(2)),
)
SERVICE = _of_line(
    "service",
    30,
    60,
    column("day", 87, 94, "Data do serviço", day8),
    column("country", 151, 153, "País chamado"),
    column("peer_area", 154, 157, "DDD chamado"),
    column("peer", 158, 167, "Telefone chamado"),
    column("tenths", 170, 175, "Duração", count),
    column("time", 176, 181, "Horário", clock6),
    column("group", 182, 184, "Grupo da categoria"),
    column("group_text", 185, 214, "Descrição do grupo"),
    column("code", 215, 217, "Categoria"),
    column("description", 218, 257, "Descrição da categoria"),
    column("amount", 258, 271, "Valor com impostos", signed(2)),
)
DISCOUNT = _of_line(
    "discount",
    30,
    85,
    column("code", 97, 99, "Grupo da categoria"),
    column("description", 100, 179, "Descrição do grupo"),
    column("sign", 180, 180, "Sinal do valor", sign),
    column("base", 181, 193, "Base de cálculo", implied(2, optional=True)),
    column("percent", 194, 198, "Percentual", implied(2, optional=True)),
    column("amount", 199, 211, "Valor do desconto", implied(2)),
    column("from", 212, 219, "Início do acerto", day8),
    column("to", 226, 233, "Fim do acerto", day8),
)
TRAILER = Record(
    "trailer",
    LENGTH,
    _TYPE,
    column("records", 70, 81, "Quantidade de registros", count),
    column("resources", 82, 93, "Quantidade de recursos", count),
    column("total", 94, 107, "Valor total", signed(2)),
)
_GROUPS = {"ASS": "mrc", "ALU": "mrc", "PUL": "usage", "TER": "third_party", "CIA": "occ"}
_PREMIUM = {"090", "900", "300"}


def _summary(opened: Open, row: Row) -> None:
    number, line = summary_of(opened, row)
    line.parts["mrc", "Assinatura"] += row["subscription"] or 0
    line.parts["usage", "Consumo"] += row["use"] or 0
    line.parts["tax", "Impostos"] += (row["icms"] or 0) + (row["other_taxes"] or 0)
    for first, last in (("used_from", "used_to"), ("subscribed_from", "subscribed_to")):
        if row[first] and row[last] and row[first] <= row[last]:
            opened.periods[(row[first], row[last])] += 1
            break
    if number:
        dedicated = row["service"] in {"SLDA", "SLDD"} or (row["feature"] or "").startswith("LP")
        attributes = {"service": row["service_text"], "place": row["place"], "speed": speed_of(row)}
        opened.line(number, "circuit" if dedicated else None, attributes)


def _peer(row: Row) -> str:
    area, number = number_text(row["peer_area"]), (row["peer"] or "").strip()
    country = number_text(row["country"])
    if country and country != "55":
        return f"+{country}{area}{number.lstrip('0')}"
    return f"{area}{number.lstrip('0')}" if area else number


def _call(opened: Open, row: Row) -> None:
    row["amount"] *= row["sign"]
    words = bare(f"{row['code'] or ''} {row['description'] or ''}")
    take_call(
        opened,
        line_of(opened, row),
        row=row,
        seconds=None if row["tenths"] is None else row["tenths"] * 6,
        words=words,
        peer=_peer(row),
        country=country_of(row["country"]),
    )


def _service(opened: Open, row: Row) -> None:
    words = bare(f"{row['description'] or ''} {row['group_text'] or ''}")
    category = _GROUPS.get(row["group"] or "", "occ")
    if any(word in words for word in ("multa", "juros", "encargo")):
        category = "late_fee"
    elif category == "occ" and "instala" in words:
        category = "nrc"
    values = {
        "item_code": row["code"] or row["group"],
        "description": row["description"] or row["group_text"],
        "attributes": {"group": row["group_text"]} if row["group_text"] and row["description"] else {},
    }
    if row["code"] in _PREMIUM:
        values["zone"] = "premium"
    opened.charge(line_of(opened, row), category, row["amount"], **values)


def _discount(opened: Open, row: Row) -> None:
    take_discount(opened, row, row["sign"] * row["amount"])


class FebrabanV2(Febraban):
    """Loader of version 2."""

    name = "febraban_v2"
    title = "FEBRABAN telecom bill, version 2 (fixed width)"
    header, trailer = "0", "9"
    records: ClassVar = {"0": HEADER, "1": SUMMARY, "2": ADDRESS, "3": CALL, "4": SERVICE, "5": DISCOUNT, "9": TRAILER}
    takes: ClassVar = {"1": _summary, "2": take_address, "3": _call, "4": _service, "5": _discount, "9": take_nothing}

    def sniff(self, source: Source) -> float:
        """A header record with its running number and three dates at their places, and no version mark."""
        lines = head_lines(source, 1)
        line = lines[0][:LENGTH] if lines else ""
        dates = (line[13:21], line[133:141], line[141:149])
        if line[:1] != "0" or line[164:167] == "V3R" or not line[1:13].isdigit():
            return NO
        return SURE if all(_is_day(text) for text in dates) else NO

    def open(self, row: Row, place: SourceRow) -> Open:
        """The invoice of a header: numbered by account and day of issue, because the layout has no invoice number."""
        return opened_by(row, place, cycle_period(row["issued_on"]), None, "customer", "tax_id")

    def settle(self, opened: Open, row: Row) -> Iterator[Item]:
        """The total; remarks where the trailer counts other records or lines than there were."""
        opened.bill.total = row["total"]
        yield from compare_records(opened, row)
        lines = opened.counts["1"]
        if row["resources"] not in {None, 0, lines}:
            yield remark(opened.bill, f"the trailer counts {row['resources']} lines, the file has {lines}")


def _is_day(text: str) -> bool:
    try:
        return day8(text) is not None
    except ValueError:
        return False
