"""Headings as carriers really write them: abbreviated, in other languages, with units; a bill is proposed as a bill."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.profiles.headings import currency, key, words
from loaders.profiles.propose import propose
from loaders.reading.source import Source
from loaders.teach import name_for
from tests.loaders.test_profiles import write

#: The headings, a row, the fields that a person would map them to, in order.
BILLS = {
    "german": (
        "Kundennr.;Rechnungsnr.;Rechnungsdatum;Mobilfunknummer;Bezeichnung;Betrag (EUR);MwSt",
        "10045;R-17;31.03.2026;0171/5550001;Grundpreis;39,95;7,59",
        "account_number invoice_number issued_on number description amount amount_tax",
    ),
    "german, short": (
        "Kd-Nr;Re-Nr;Re-Datum;Rufnr.;Kostenst.;Artikel;Netto EUR;USt EUR",
        "1;2;31.03.2026;0171555;CC;Plan;10,00;1,90",
        "account_number invoice_number issued_on number cost_center item_code amount amount_tax",
    ),
    "american, short": (
        "Acct;Inv #;Inv Dt;Cell Phone;Employee;Charge Desc;Chg Amt;Curr",
        "99001;A-77;03/31/2026;2125550101;Ann;Monthly plan;40.25;USD",
        "account_number invoice_number issued_on number user_name description amount currency",
    ),
    "a database's": (
        "customer_account;invoice_id;invoice_dt;phone_nbr;line_item_desc;line_amt;currency_cd",
        "1;2;2026-03-31;2125550101;plan;10.00;USD",
        "account_number invoice_number issued_on number description amount currency",
    ),
    "a program's": (
        "AccountNo;InvoiceNo;InvoiceDate;MSISDN;UserName;ProductDescription;NetAmount;VatAmount;CurrencyCode",
        "1;2;2026-03-31;447700900123;Ann;Plan;10.00;2.00;GBP",
        "account_number invoice_number issued_on number user_name description amount amount_tax currency",
    ),
    "capitals": (
        "ACCOUNTNO;INVOICENO;INVOICEDATE;PHONENO;DESCRIPTION;AMOUNT;CURRENCY",
        "1;2;2026-03-31;2125550101;plan;10.00;USD",
        "account_number invoice_number issued_on number description amount currency",
    ),
    "british": (
        "Customer Ref;Invoice Ref;Tax Point;Telephone No.;Product;From Date;To Date;Net £;VAT £;Gross £",
        "1;2;31/03/2026;01632960001;Line rental;01/03/2026;31/03/2026;10.00;2.00;12.00",
        "account_number invoice_number issued_on number description period_start period_end amount amount_tax "
        "row_total",
    ),
    "french": (
        "N° client;N° facture;Date facture;N° de ligne;Utilisateur;Libellé;Montant HT (€);TVA",
        "1;2;31/03/2026;0612345678;Ann;Forfait;10,00;2,00",
        "account_number invoice_number issued_on number user_name description amount amount_tax",
    ),
    "portuguese": (
        "Nº da Conta;Nº da Fatura;Data de Emissão;Linha;Descrição;Valor (R$)",
        "1;2;31/03/2026;11987654321;Plano;10,00",
        "account_number invoice_number issued_on number description amount",
    ),
    "circuits": (
        "Circuit ID;Vendor;Account;Invoice;Bill Dt;MRC;NRC;Taxes;Total",
        "CKT1;Lumen;1;2;03/31/2026;10;0;1;11",
        "number carrier_id account_number invoice_number issued_on amount_mrc amount_nrc amount_tax row_total",
    ),
}


@pytest.mark.parametrize("name", BILLS)
def test_a_bill_is_proposed_as_a_bill(tmp_path: Path, name: str) -> None:
    head, row, wanted = BILLS[name]
    best = propose(Source(write(tmp_path, "bill.csv", f"{head}\n{row}\n{row}\n")))[0]
    assert best.table == "bill"
    fields = {suggestion.column: field for field, suggestion in best.fields.items()}
    assert [fields.get(column) for column in head.split(";")] == wanted.split()


def test_a_currency_in_a_heading_is_taken(tmp_path: Path) -> None:
    head, row, _ = BILLS["german"]
    best = propose(Source(write(tmp_path, "bill.csv", f"{head}\n{row}\n")))[0]
    assert (best.said, best.missing) == ({"currency": "EUR"}, ("carrier_id",))
    assert best.profile("mine", {"carrier_id": "telko"}).fields["currency"].value == "EUR"
    assert best.profile("mine", {"carrier_id": "telko", "currency": "CHF"}).fields["currency"].value == "CHF"
    found = [currency(text) for text in ("Valor (R$)", "Cost £", "USD", "EUR/USD", "$", "Eurotarif")]
    assert found == ["BRL", "GBP", "USD", None, None, None]


def test_figures_that_nobody_mapped_are_asked_about(tmp_path: Path) -> None:
    head = "Account No,Bill Date,Mobile No,Line Rental,Call Charges,Data Charges"
    text = f"{head}\n1,2026-03-31,07700900123,10.00,1.00,0.50\n"
    best = propose(Source(write(tmp_path, "bill.csv", text)))[0]
    assert 'figures that are not mapped and count in no total: "Data Charges"' in best.doubts


def test_words() -> None:
    assert words("Inv. # (EUR)") == "invoice number"
    assert key("Rechnungsnr.") == key("Rechnungsnummer")
    assert key("Acct. No.") == key("AccountNo") == "accountnumber"
    assert words("(EUR)") == "eur"
    assert [name_for(name) for name in ("telko_2026-03.csv", "bill 20260331.csv", "A-12345_b.csv", "2026.csv")] == [
        "telko",
        "bill",
        "a-b",
        "profile",
    ]
