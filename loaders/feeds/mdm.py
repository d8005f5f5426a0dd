"""Mobile device management exports: Intune, Jamf Pro, Workspace ONE, Ivanti / MobileIron; one shape, four spellings.

A row is a device: it updates the device with the same IMEI or serial number, wherever that one came from, else it
makes one. Its telephone number names the line, its user the employee. Where the export states an ICCID or IMEI for a
line that is known, the day of the last check-in becomes an observation of that SIM, which the anomaly model uses.
"""

from __future__ import annotations

import re
from typing import Any

from loaders.contract import Cells, Named
from loaders.feeds import cells
from loaders.feeds.feed import Feed, Kind, Notes, note, said
from loaders.reading.declare import Layout, RowError

Row = dict[str, Any]
_STATES = (
    ("wip", "wiped"),
    ("retire", "retired"),
    ("unenroll", "retired"),
    ("delete", "retired"),
    ("unmanaged", "unknown"),
    ("not managed", "unknown"),
    ("managed", "enrolled"),
    ("enroll", "enrolled"),
    ("active", "enrolled"),
    ("registered", "enrolled"),
    ("compliant", "enrolled"),
)
_UNSURE = ("unknown", "unmanaged", "not managed", "discovered", "pending", "not registered", "inactive", "not enrolled")
_KINDS = (
    (r"ipad|tablet|galaxy tab|\btab\b|sm-[tx]\d", "tablet"),
    (r"iphone|phone|pixel|galaxy|sm-[agsfnm]\d|moto|xperia|nokia|oneplus|android|\bios\b", "phone"),
    (r"hotspot|mifi|jetpack|nighthawk", "hotspot"),
    (r"router|gateway|cradlepoint", "router"),
    (r"windows|macos|mac ?book|imac|laptop|surface|chrome|linux|apple ?tv|tvos|watch", "other"),
)


def kind_of(*texts: str | None) -> str | None:
    """phone, tablet, hotspot, router or other, by the first of the texts that tells; None if none does."""
    for text in filter(None, texts):
        kind = next((kind for pattern, kind in _KINDS if re.search(pattern, text.casefold())), None)
        if kind:
            return kind
    return None


def state_of(text: str | None, notes: Notes) -> str | None:
    """mdm_status of what the system calls a device's state."""
    if text is None:
        return None
    key = re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", text).casefold()
    if "pending" not in key and any(key.startswith(word) for word in _UNSURE):
        return "unknown"
    for word, state in _STATES:
        if word in key:
            return state
    notes.add(f'the state "{text}" is unknown and was read as such', text)
    return "unknown"


def device(source: str, row: Row, notes: Notes, *, weak: bool = False) -> list[tuple[str, Cells]]:
    """Canonical rows of one device, by the keys of the layouts below; `weak` where the source says who bought it, not
    who has it.

    Raises:
        RowError: if nothing identifies the device.
    """
    imei = row.get("imei") or row.get("meid") or ()
    serial = row.get("@serial number")
    ident = row.get("id") or serial or (imei[0] if imei else None)
    if ident is None:
        raise RowError("IMEI", "", "a device id, an IMEI or a serial number")
    for wrong in (text for text in imei if not cells.check_digit_fits(text)):
        notes.add("the IMEI's check digit does not fit", wrong)
    others = [*imei[1:], *(row.get("imei2") or ())]
    number = row.get("number")
    if number and cells.masked(number):
        notes.add("the telephone number is masked and names no line", number)
        row["@masked number"], number = number, None
    users = tuple(dict.fromkeys(filter(None, (row.get("email"), row.get("upn"), row.get("user")))))
    line = Named("service", (number,) if number else (), weak=weak)
    found: Cells = {
        "device_id": Named("device", tuple(filter(None, (*imei, serial))), otherwise=f"{source}:{ident}"),
        "service_id": line,
        "employee_id": Named("employee", users, weak=weak),
        "kind": row.get("kind") or kind_of(row.get("model"), row.get("@platform")),
        "imei": imei[0] if imei else "",
        "model": _model(row.get("@manufacturer"), row.get("model")),
        "mdm_status": row.get("state"),
        "last_seen_on": row.get("seen_on"),
        "assigned_on": row.get("enrolled_on"),
        "attributes": {
            "second imei": others[0] if others else "",
            "serial number": serial or "",
            "phone number": number or "",
            "managed in": source,
        },
    }
    made = [("devices", {key: value for key, value in found.items() if value is not None})]
    if number and row.get("seen_on") and (imei or row.get("iccid")):
        seen = {"service_id": line, "observed_on": row["seen_on"], "iccid": row.get("iccid"), "imei": found["imei"]}
        made.append(("sim_observations", seen))
    return made


def _model(maker: str | None, model: str | None) -> str | None:
    if not model or not maker or maker.casefold() in model.casefold():
        return model
    return f"{maker} {model}"


def _intune(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    row["state"] = state_of(row["device_state"] or row["registration"], notes)
    return device("intune", row, notes)


def _jamf(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
    managed = row["managed"]
    row["state"] = None if managed is None else "enrolled" if managed else "unknown"
    return device("jamf", row, notes)


def _stated(source: str) -> Any:
    def rows(row: Row, notes: Notes) -> list[tuple[str, Cells]]:
        retired = row.get("retired")
        row["state"] = "retired" if retired else state_of(row["device_state"], notes)
        if row["state"] is None and retired is False:
            row["state"] = "enrolled"
        return device(source, row, notes)

    return rows


INTUNE = Feed(
    "intune",
    "Microsoft Intune devices (CSV)",
    Kind(
        "devices",
        Layout(
            said("id", "Device ID", "DeviceId"),
            note("device name", "Device name", "DeviceName"),
            note("serial number", "Serial number", "SerialNumber"),
            said("imei", "IMEI", parse=cells.imeis),
            said("meid", "MEID", parse=cells.imeis),
            said("iccid", "ICCID", parse=cells.iccid),
            note("manufacturer", "Manufacturer"),
            said("model", "Model"),
            note("platform", "OS", "Operating system", "OperatingSystem"),
            note("os version", "OS version", "OSVersion"),
            note("ownership", "Ownership"),
            said("number", "Phone number", "PhoneNumber", parse=cells.phone),
            note("carrier in use", "Subscriber carrier", "SubscriberCarrier", "Subscriber carrier network"),
            said("upn", "Primary user UPN", "UPN", "UserPrincipalName", parse=cells.email),
            said("email", "Primary user email address", "UserEmail", "Email", parse=cells.email),
            note("user", "Primary user display name", "UserName", "PrimaryUser", "Primary user"),
            said("device_state", "Device state", "DeviceState", "Management state"),
            said("registration", "Device registration state", "DeviceRegistrationState"),
            note("compliance", "Compliance", "Compliant", "CompliantState", "Compliance state"),
            said("seen_on", "Last check-in", "LastContact", "Last contact", "Last sync date time", parse=cells.day),
            said("enrolled_on", "Enrollment date", "CreatedDate", "Enrolled date time", parse=cells.day),
            note("category", "Category", "CategoryName", "Device category"),
            note("managed by", "Managed by", "ManagedBy", "Management agent"),
        ),
        (
            *(
                "Primary user UPN",
                "Primary user email address",
                "Primary user display name",
                "Device ID",
                "Last check-in",
            ),
            *(
                "Managed by",
                "Device registration state",
                "DeviceId",
                "ManagedDeviceName",
                "LastContact",
                "CompliantState",
            ),
            *("Device state", "Subscriber carrier", "InGracePeriodUntil", "JoinType"),
        ),
        _intune,
        enough=4,
    ),
)
JAMF = Feed(
    "jamf",
    "Jamf Pro mobile devices (CSV)",
    Kind(
        "mobile devices",
        Layout(
            said("id", "mobile_device_id", "Jamf Pro ID", "JSS Mobile Device ID", "Mobile Device ID", "mobileDeviceId"),
            note("device name", "Display Name", "displayName", "Mobile Device Name", "Device Name", "Name"),
            note("asset tag", "Asset Tag", "assetTag"),
            note("udid", "UDID"),
            note("serial number", "Serial Number", "serialNumber"),
            said("imei", "IMEI", parse=cells.imeis),
            said("imei2", "IMEI2", "Secondary IMEI", parse=cells.imeis),
            said("meid", "MEID", parse=cells.imeis),
            said("iccid", "ICCID", parse=cells.iccid),
            said("number", "Phone Number", "phoneNumber", "Device Phone Number", parse=cells.phone),
            said("model", "Model", "Model Display Name"),
            note("platform", "OS Type", "Device Family", "Model Identifier"),
            note("os version", "OS Version", "osVersion"),
            said("email", "Email Address", "Email", "emailAddress", parse=cells.email),
            said("user", "Username", "User Name", parse=cells.email),
            note("user", "Full Name", "Real Name", "realName"),
            note("department", "Department"),
            said("managed", "is_managed", "Managed", "isManaged", parse=cells.truth),
            said(
                "seen_on",
                *("last_report_date", "Last Inventory Update", "Last Inventory Update Date", "lastInventoryUpdateDate"),
                parse=cells.day,
            ),
            said("enrolled_on", "last_enrolled_date", "Last Enrollment", "Last Enrolled Date", parse=cells.day),
            note("carrier in use", "currentCarrierNetwork", "Current Carrier Network"),
            note("carrier at home", "homeCarrierNetwork", "Home Carrier Network"),
            note("data roaming", "dataRoamingEnabled", "Data Roaming Enabled"),
            note("voice roaming", "voiceRoamingEnabled", "Voice Roaming Enabled"),
            note("roaming", "roaming", "Roaming"),
        ),
        (
            *("mobile_device_id", "Jamf Pro ID", "JSS Mobile Device ID", "UDID", "Last Inventory Update", "is_managed"),
            *("last_report_date", "last_enrolled_date", "currentCarrierNetwork", "homeCarrierNetwork", "Managed"),
            *("Home Carrier Network", "Current Carrier Network", "carrierSettingsVersion", "Asset Tag"),
        ),
        _jamf,
        enough=3,
    ),
)
WORKSPACE_ONE = Feed(
    "workspace_one",
    "Workspace ONE UEM devices (CSV)",
    Kind(
        "devices",
        Layout(
            said("id", "Device ID", "DeviceId", "Id"),
            note("device name", "DeviceFriendlyName", "Friendly Name", "Device Friendly Name"),
            note("serial number", "SerialNumber", "Serial Number"),
            said("imei", "Imei", "IMEI/MEID", "Device IMEI", parse=cells.imeis),
            said("iccid", "ICCID", "SIM Card ID", "SIM Number", parse=cells.iccid),
            said("number", "PhoneNumber", "Phone Number", "Current Phone Number", parse=cells.phone),
            note("ownership", "Ownership", "Device Ownership"),
            said("user", "UserName", "Username", "User Name", "Enrollment User", parse=cells.email),
            said("email", "UserEmailAddress", "User Email Address", "Email Address", "Email", parse=cells.email),
            note("platform", "Platform"),
            said("model", "Model", "Device Model"),
            note("os version", "OperatingSystem", "OS Version"),
            note("organization group", "LocationGroupName", "Organization Group", "Group Name"),
            said("seen_on", "LastSeen", "Last Seen", parse=cells.day),
            said("enrolled_on", "LastEnrolledOn", "Enrollment Date", "Last Enrolled On", parse=cells.day),
            said("device_state", "EnrollmentStatus", "Enrollment Status"),
            note("compliance", "ComplianceStatus", "Compliance Status"),
            note("asset tag", "AssetNumber", "Asset Number"),
        ),
        (
            *("DeviceFriendlyName", "Friendly Name", "LocationGroupName", "Organization Group", "EnrollmentStatus"),
            *("Enrollment Status", "LastEnrolledOn", "LastSeen", "ComplianceStatus", "AssetNumber", "UserEmailAddress"),
        ),
        _stated("workspace_one"),
        enough=3,
    ),
)
IVANTI = Feed(
    "ivanti",
    "Ivanti Neurons / MobileIron devices (CSV)",
    Kind(
        "devices",
        Layout(
            said("id", "common.uuid", "common.id", "uuid", "Device UUID"),
            note("serial number", "common.SerialNumber", "common.serial_number", "ios.SerialNumber", "Serial Number"),
            said("imei", "common.imei", "IMEI", parse=cells.imeis),
            said("imei2", "common.imei2", "common.alternate_imei", parse=cells.imeis),
            note("imsi", "common.imsi", "IMSI"),
            said("iccid", "ios.iPhone ICCID", "common.iccid", "android.iccid", "ICCID", parse=cells.iccid),
            said("number", "common.current_phone_number", "Current Phone Number", "Phone Number", parse=cells.phone),
            note("carrier in use", "common.current_operator_name", "Current Operator Name"),
            note("carrier at home", "common.home_operator_name", "Home Operator Name"),
            note(
                "country in use", "common.current_country_code", "common.current_country_name", "Current Country Code"
            ),
            note("roaming", "common.roaming", "Roaming"),
            note("manufacturer", "common.manufacturer", "Manufacturer"),
            said("model", "common.model_name", "common.model", "Model"),
            note("platform", "common.platform", "common.platform_name", "Platform"),
            note("ownership", "common.owner", "Owner"),
            said("retired", "common.retired", "Retired", parse=cells.truth),
            said("device_state", "common.status", "Status", "Device Status"),
            said("seen_on", "common.last_connected_at", "Last Check-In", "Last Connected At", parse=cells.day),
            said(
                "enrolled_on", "common.registration_date", "common.creation_date", "Registration Date", parse=cells.day
            ),
            said("email", "user.email_address", "Email Address", "User Email", parse=cells.email),
            said("user", "user.user_id", "User ID", parse=cells.email),
            note("user", "user.display_name", "User Display Name", "User"),
            note("sim mcc", "ios.SIM MCC", "ios.Current MCC"),
            note("sim mnc", "ios.SIM MNC", "ios.Current MNC"),
        ),
        (
            *("common.imei", "common.current_phone_number", "common.current_operator_name", "common.retired"),
            *("common.last_connected_at", "user.email_address", "user.user_id", "common.owner", "common.imsi"),
            *("Current Operator Name", "Home Operator Name", "Last Connected At", "Device UUID"),
        ),
        _stated("ivanti"),
        enough=2,
    ),
)
