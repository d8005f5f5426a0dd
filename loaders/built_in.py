"""The built-in loaders: canonical tables, what carriers send, and feeds of people, devices, orders and rates."""

from __future__ import annotations

from loaders.att import AttCharges
from loaders.att_inventory import ATT_INVENTORY
from loaders.bt import BtCalls
from loaders.canonical import Canonical
from loaders.contract import Loader
from loaders.febraban_v2 import FebrabanV2
from loaders.febraban_v3 import FebrabanV3
from loaders.feeds import fx_rates, glpi, mdm, netbox, orders, people, snipeit
from loaders.feeds.rate_cards import RateCards
from loaders.focus import Focus
from loaders.m2 import M2Records
from loaders.optus import Optus
from loaders.oracle_ebilling import OracleEbilling
from loaders.tap3 import Tap3
from loaders.telstra_linx import TelstraLinx
from loaders.verizon import VerizonRdd
from loaders.verizon_report import VerizonReport
from loaders.windstream import WindstreamCalls
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
    fx_rates.ECB,
    snipeit.SNIPEIT,
    netbox.NETBOX,
    glpi.GLPI,
    orders.ORDERS,
)
BUILT_IN: tuple[Loader, ...] = (CANONICAL_LOADER, *CARRIERS, *FEEDS)
