"""Every address of the desk; what each asks stands in access.py under the same name."""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.urls import path

from amparo.site.views import case, cases, directory, door, errors, oversight, sharing, start

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.fault

urlpatterns = [
    path("", start.home, name="home"),
    path("alive", start.alive, name="alive"),
    path("language", start.language, name="language"),
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("accounts/password/", account.password_change, name="account_change_password"),
    path("accounts/signup/", errors.gone, name="account_signup"),
    path("accounts/reset/", errors.gone, name="account_reset_password"),
    path("accounts/factor/", mfa.index, name="mfa_index"),
    path("accounts/factor/ask/", mfa.authenticate, name="mfa_authenticate"),
    path("accounts/factor/again/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("accounts/factor/new/", totp.activate_totp, name="mfa_activate_totp"),
    path("accounts/factor/off/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("accounts/factor/codes/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("day", start.day, name="day"),
    path("draft", cases.draft, name="draft"),
    path("calendar", cases.calendar, name="calendar"),
    path("cases/", cases.cases, name="cases"),
    path("cases/new", cases.case_new, name="case_new"),
    path("cases/<uuid:case>/", case.case, name="case"),
    path("cases/<uuid:case>/print", case.case_print, name="case_print"),
    path("cases/<uuid:case>/export", case.case_export, name="case_export"),
    path("cases/<uuid:case>/seen", case.case_seen, name="case_seen"),
    path("cases/<uuid:case>/close", case.case_close, name="case_close"),
    path("cases/<uuid:case>/edit/<slug:group>", case.case_edit, name="case_edit"),
    path("cases/<uuid:case>/screening", case.screening_new, name="screening_new"),
    path("cases/<uuid:case>/status", case.status, name="status"),
    path("cases/<uuid:case>/consent", sharing.consent_new, name="consent_new"),
    path("cases/<uuid:case>/consent/<uuid:consent>/withdraw", sharing.consent_withdraw, name="consent_withdraw"),
    path("cases/<uuid:case>/refer", sharing.referral_new, name="referral_new"),
    path("cases/<uuid:case>/refer/<uuid:referral>/end", sharing.referral_end, name="referral_end"),
    path("cases/<uuid:case>/door", door.door_issue, name="door_issue"),
    path("cases/<uuid:case>/needs/<uuid:need>/help", directory.need_help, name="need_help"),
    path("cases/<uuid:case>/entries/<slug:kind>/new", case.entry_new, name="entry_new"),
    path("cases/<uuid:case>/entries/<slug:kind>/<uuid:entry>", case.entry_edit, name="entry_edit"),
    path("referrals", sharing.referrals, name="referrals"),
    path("referrals/<uuid:referral>", sharing.referral_answer, name="referral_answer"),
    path("emergency", sharing.glass, name="glass"),
    path("emergency/<uuid:opening>", sharing.glass_review, name="glass_review"),
    path("services", directory.services, name="services"),
    path("services/new", directory.service_new, name="service_new"),
    path("services/<int:service>", directory.service_edit, name="service_edit"),
    path("counts", oversight.counts, name="counts"),
    path("audit", oversight.audit, name="audit"),
    path("audit/verify", oversight.audit_verify, name="audit_verify"),
    path("people", oversight.users, name="users"),
    path("people/new", oversight.user_new, name="user_new"),
    path("people/<int:user>", oversight.user_edit, name="user_edit"),
    path("people/agency", oversight.agency_new, name="agency_new"),
    path("i/", door.door, name="door"),
    path("i/home", door.door_home, name="door_home"),
    path("i/take-back/<uuid:consent>", door.door_withdraw, name="door_withdraw"),
    path("i/say", door.door_feedback, name="door_feedback"),
    path("i/exit", door.door_exit, name="door_exit"),
]
