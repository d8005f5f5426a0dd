"""The built-in loaders of feeds: what is no carrier's bill (people, devices, circuits, orders, rates, cloud cost)."""

from __future__ import annotations

from loaders.contract import Loader
from loaders.feeds import fx_rates, glpi, mdm, netbox, orders, people, snipeit
from loaders.feeds.rate_cards import RateCards
from loaders.focus import Focus

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
