"""The built-in loaders: canonical tables, what carriers send, and feeds of people, devices, orders and rates."""

from __future__ import annotations

from loaders.canonical import Canonical
from loaders.carriers.att import AttCharges
from loaders.carriers.att_inventory import ATT_INVENTORY
from loaders.carriers.bell import BellCalls
from loaders.carriers.bt import BtCalls
from loaders.carriers.febraban_v2 import FebrabanV2
from loaders.carriers.febraban_v3 import FebrabanV3
from loaders.carriers.m2 import M2Records
from loaders.carriers.optus import Optus
from loaders.carriers.oracle_ebilling import OracleEbilling
from loaders.carriers.tap3 import Tap3
from loaders.carriers.telstra_linx import TelstraLinx
from loaders.carriers.verizon import VerizonRdd
from loaders.carriers.verizon_report import VerizonReport
from loaders.carriers.windstream import WindstreamCalls
from loaders.contract import Loader
from loaders.feeds import fx_rates, glpi, mdm, netbox, orders, people, snipeit
from loaders.feeds.rate_cards import RateCards
from loaders.focus.commitments import FOCUS_COMMITMENTS
from loaders.focus.loader import Focus
from loaders.x12.loader import X12Bill

CANONICAL_LOADER = Canonical()
CARRIERS: tuple[Loader, ...] = (
    VerizonRdd(),
    VerizonReport(),
    AttCharges(),
    ATT_INVENTORY,
    X12Bill(),
    FebrabanV2(),
    FebrabanV3(),
    TelstraLinx(),
    Optus(),
    M2Records(),
    BtCalls(),
    BellCalls(),
    WindstreamCalls(),
    OracleEbilling(),
    Tap3(),
)
FEEDS: tuple[Loader, ...] = (
    people.EMPLOYEES,
    mdm.INTUNE,
    mdm.JAMF,
    mdm.WORKSPACE_ONE,
    mdm.IVANTI,
    RateCards(),
    Focus(),
    FOCUS_COMMITMENTS,
    fx_rates.ECB,
    snipeit.SNIPEIT,
    netbox.NETBOX,
    glpi.GLPI,
    orders.ORDERS,
)
BUILT_IN: tuple[Loader, ...] = (CANONICAL_LOADER, *CARRIERS, *FEEDS)
