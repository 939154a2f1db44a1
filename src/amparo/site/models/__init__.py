"""All that the desk keeps; one file per concern, each with the rule that it serves."""

from amparo.site.models.accounts import Agency, User
from amparo.site.models.audit import AuditEntry, AuditHead
from amparo.site.models.cases import Case, Screening, SearchWord, StatusChange
from amparo.site.models.consent import Consent, GlassOpening, Referral
from amparo.site.models.door import DoorCode, Feedback
from amparo.site.models.justice import Compensation, NonPunishment, Proceeding, ProtectionMeasure
from amparo.site.models.support import Appointment, ChildMeasure, FollowUp, Need, RecoveryPeriod, Service
from amparo.site.models.work import Draft

__all__ = [
    "Agency",
    "Appointment",
    "AuditEntry",
    "AuditHead",
    "Case",
    "ChildMeasure",
    "Compensation",
    "Consent",
    "DoorCode",
    "Draft",
    "Feedback",
    "FollowUp",
    "GlassOpening",
    "Need",
    "NonPunishment",
    "Proceeding",
    "ProtectionMeasure",
    "RecoveryPeriod",
    "Referral",
    "Screening",
    "SearchWord",
    "Service",
    "StatusChange",
    "User",
]
