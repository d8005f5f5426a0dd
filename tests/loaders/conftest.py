"""Small estates and carrier files for the loaders' tests."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import loaders
from core.store import Store

GOLDEN = Path(__file__).parent / "golden"

ESTATE = {
    "carriers": "carrier_id,name,country\ntel,Telco,US\nverizon,Verizon Wireless,US\natt,AT&T Mobility,US\n",
    "accounts": (
        "account_id,carrier_id,number,currency,country\n"
        "A1,tel,100,USD,US\nV1,verizon,642350544-00001,USD,US\nT1,att,287301456789,USD,US\n"
    ),
    "services": (
        "service_id,kind,number,carrier_id,account_id,status\n"
        "S1,mobile,+12125550101,tel,A1,active\nS2,mobile,+12125550102,tel,A1,active\n"
        "SV1,mobile,+16465550001,verizon,V1,active\nSV2,mobile,646-555-0002,verizon,V1,active\n"
        "ST1,mobile,+14155550001,att,T1,active\n"
    ),
    "invoices": (
        "invoice_id,account_id,number,issued_on,period_start,period_end,currency,total\n"
        "I1,A1,N1,2026-01-31,2026-01-01,2026-01-31,USD,30.00\n"
    ),
    "charges": (
        "charge_id,invoice_id,service_id,billed_number,category,item_code,amount,period_start,period_end\n"
        "C1,I1,S1,,mrc,PLAN,20.00,2026-01-01,2026-01-31\n"
        "C2,I1,,212-555-0102,mrc,PLAN,12.00,2026-01-01,2026-01-31\n"
        "C3,I1,,G77,credit,POOL,-2.00,2026-01-01,2026-01-31\n"
    ),
    "usage": (
        "service_id,month,usage_type,zone,quantity,unit,cost\n"
        "S1,2026-01,data,home,1024.5,MB,0\nS2,2026-01,voice,,30,min,\n"
    ),
}

V_SUMMARY = (
    '\ufeff"ECPD Profile ID"\t"Account Number"\t"Invoice Number"\t"Bill Cycle Date"\t"Date Due"\t"Bill Name"\t'
    '"Previous Balance"\t"Payments"\t"Late Fee"\t"Taxes, Governmental Surcharges, and Fees"\t"Total Current Charges"\t'
    '"Total Amount Due"\r\n'
    '1\t642350544-00001\t9901\t"Jan 31, 2026"\t"Feb 23, 2026"\tACME\t$1,000.00\t($1,000.00)\t$5.00\t$3.10\t'
    "$1,102.87\t$1,102.87\n"
)
V_DETAIL_HEAD = (
    '"ECPD Profile ID"\t"Account Number"\t"Invoice Number"\t"Bill Cycle Date"\t"Wireless Number"\t"User Name"\t'
    '"Cost Center"\t"Date"\t"Item Category"\t"Item Type"\t"Item Description"\t"Share Description"\t"Used"\t'
    '"Billable"\t"Cost"\t"Order Details"\r\n'
)
_K = "1\t642350544-00001\t9901\tJan 31, 2026\t"
V_DETAIL = (
    V_DETAIL_HEAD
    + _K
    + '646-555-0001\tANN\tCC1\t\tMonthly Charges\tM\t"Unlimited Plus"\tPlan\tNA\tNA\t$1,040.00\t\n'
    + _K
    + "646-555-0001\tANN\tCC1\t\tMonthly Charges\tM\tCall Filter\tFeature\tNA\tNA\t$2.99\t\n"
    + _K
    + "646-555-0001\tANN\tCC1\t\tMonthly Charges\tM\t$10 Monthly Access Crdt 36 Mon\tNA\tNA\tNA\t(10.00)\t\n"
    + _K
    + "646-555-0001\tANN\tCC1\t\tData\tU\tGIGABYTE USAGE\tNA\t2,097,152\tNA\tNA\t\n"
    + _K
    + "646-555-0001\tANN\tCC1\t\tRoaming\tU\tRoaming minutes\tNA\t12\t12\t-7.23\t\n"
    + _K
    + "646-555-0002\tBOB\tCC2\t\tMonthly Charges\tM\tUnlimited Start\tPlan\tNA\tNA\t$34.00\t\n"
    + _K
    + "646-555-0002\tBOB\tCC2\t\tAdditional Services\tM\t411 Search\tNA\t2\tNA\t$3.98\t\n"
    + _K
    + "646-555-0002\tBOB\tCC2\t\tEquipment Charges\tM\tDevice Payment Agreement 5 of 36\tNA\tNA\tNA\t$21.03\t\n"
    + _K
    + "646-555-0002\tBOB\tCC2\t\tTaxes, Governmental Surcharges and Fees\tM\tState tax\tNA\tNA\tNA\t$3.10\t\n"
    + _K
    + "N/A\tACME\tNA\t\tVZW Surcharges\tM\tAdministrative charge\tNA\tNA\tNA\t$10.00\t\n"
    + _K
    + "N/A\tACME\tNA\t\tPayment Received\tM\tThank you\tNA\tNA\tNA\t($1,000.00)\t\n"
)
V_WIRELESS = (
    '"Account Number"\t"Invoice Number"\t"Wireless Number"\t"User Name"\t"Your Calling Plan"\t"Total Charges"\t'
    '"Voice Plan Usage"\t"Messaging Usage"\t"Data Usage (KB)"\r\n'
    "642350544-00001\t9901\t646-555-0001\tANN\tUnlimited Plus\t$1,025.76\t120\t33\t2,097,152\n"
    "642350544-00001\t9901\t646-555-0002\tBOB\tUnlimited Start\t$62.11\t0\t5\t512\n"
    "642350544-00001\t9901\tN/A\tACME\tNA\t$10.00\tNA\tNA\tNA\n"
)
V_EVENTS = (
    '"Account Number"\t"Invoice Number"\t"Wireless Number"\t"User Name"\t"Date"\t"Time"\t"Number"\t"Usage Category"\t'
    '"Minutes"\t"Charge"\r\n'
    "642350544-00001\t9901\t646-555-0001\tANN\t01/03/2026\t2:05P\t202-555-0199\tVoice\t4\t$0.00\n"
)
ATT_HEAD = (
    "Foundation account,Foundation account name,Account number,Account and descriptions,Billing account name,"
    "Wireless number and descriptions,Wireless number,DEPARTMENT,User name,UDL 2,UDL 4,Market cycle end date,"
    "Invoice date,Rate code,Rate plan name,Group ID,Total current charges,Total monthly charges,"
    "Total activity since last bill,Total taxes,Total company fees and surcharges,Total KB usage,Total minutes usage,"
    "Total messages,Total FAN level charges,Total adjustments\r\n"
)
ATT = (
    ATT_HEAD
    + "588,ACME,287301456789,ACME,ACME,4155550001 - ANN,4155550001,IT,ANN,x,,01/31/2026,02/02/2026,BUNL,Unlimited,,"
    '"1,039.10","1,033.00",2.00,3.10,1.00,"1,048,576",100,7,0.00,0.00\r\n'
    "588,ACME,287301456789,ACME,ACME,G000117,G000117,,,,,01/31/2026,02/02/2026,NORATEPLAN,Pool,G000117,"
    "30.00,30.00,0.00,0.00,0.00,0,0,0,0.00,0.00\r\n"
    "588,ACME,287301456789,ACME,ACME,DISCOUNT FOR PLAN SAVINGS,0,,,,,01/31/2026,02/02/2026,,NO CURRENT RATE PLAN,,"
    "(12.50),(12.50),0.00,0.00,0.00,0,0,0,0.00,0.00\r\n"
    "588,ACME,287301456789,ACME,ACME,4155550001 - ANN,4155550001,IT,ANN,x,,02/15/2026,02/17/2026,BUNL,Unlimited,,"
    "28.00,33.00,-5.00,0.00,0.00,0,0,0,0.00,0.00\r\n"
)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """A folder of canonical tables that ties to the cent."""
    folder = tmp_path / "estate"
    folder.mkdir()
    for table, text in ESTATE.items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def verizon_zip(tmp_path: Path) -> Callable[..., Path]:
    """Writes a raw data download; members can be replaced or, by None, left out."""

    def write(name: str = "vz_202601.zip", **members: str | None) -> Path:
        texts = {"summary": V_SUMMARY, "detail": V_DETAIL, "wireless": V_WIRELESS, "events": V_EVENTS, **members}
        titles = {
            "summary": "AccountSummary",
            "detail": "Acct & Wireless Charges Detail Summary Usage",
            "wireless": "Account & Wireless Summary",
            "events": "Wireless Usage Detail",
        }
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, text in texts.items():
                if text is not None:
                    archive.writestr(f"{titles[key]}_202601.txt", text.encode("utf-8"))
        return path

    return write


@pytest.fixture
def att_csv(tmp_path: Path) -> Path:
    """An AT&T export with a line, a pool row, a discount row and two cycles."""
    path = tmp_path / "att_202601.csv"
    path.write_bytes(ATT.encode())
    return path


@pytest.fixture
def verizon_detail() -> str:
    """The text of the charge detail member."""
    return V_DETAIL


@pytest.fixture(scope="session")
def _stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stocked") / "tem.db"
    store = Store.open(f"sqlite:///{path}")
    assert loaders.load_paths(store, [GOLDEN / "estate"]).exit_code == 0
    store.backup(path.with_suffix(".copy"))
    store.close()
    return path.with_suffix(".copy")


@pytest.fixture
def stocked(_stocked: Path, tmp_path: Path) -> Iterator[Store]:
    """A store that holds the small estate of the golden files."""
    shutil.copy(_stocked, tmp_path / "stocked.db")
    store = Store.open(f"sqlite:///{tmp_path / 'stocked.db'}")
    yield store
    store.close()
