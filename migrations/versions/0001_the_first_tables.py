"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.base import DOCUMENT, INTEGER, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", DOCUMENT, nullable=False),
        sa.Column("clinics", DOCUMENT, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("thread_id", INTEGER, nullable=True),
        sa.Column("inbox_id", INTEGER, nullable=True),
        sa.Column("patient_id", INTEGER, nullable=True),
        sa.Column("appointment_id", INTEGER, nullable=True),
        sa.Column("details", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_patient", "audit", ["patient_id", "id"], unique=False)
    op.create_index("ix_audit_thread", "audit", ["thread_id", "id"], unique=False)
    op.create_table(
        "catalogue",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("revision", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogue")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "clinic",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", DOCUMENT, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("hours", DOCUMENT, nullable=False),
        sa.Column("cutoff", sa.String(), nullable=True),
        sa.Column("urgent", DOCUMENT, nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic")),
        sa.UniqueConstraint("key", name=op.f("uq_clinic_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_clinic_number"), "clinic", ["number"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("clinic_id", INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_at", "event", ["at"], unique=False)
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at_ms", INTEGER, nullable=False),
        sa.Column("data", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "idempotent_request",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("status", INTEGER, nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotent_request")),
    )
    op.create_table(
        "link_session",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("bind", sa.String(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_session")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_link_session_open",
        "link_session",
        ["gateway"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "parked_receipt",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("match_key", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked_receipt")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_parked_receipt_match", "parked_receipt", ["match_key"], unique=False)
    op.create_index("ix_parked_receipt_received", "parked_receipt", ["received_at"], unique=False)
    op.create_table(
        "patient",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("identity_code", sa.LargeBinary(), nullable=True),
        sa.Column("code_index", sa.LargeBinary(), nullable=True),
        sa.Column("code_mask", sa.String(), nullable=False),
        sa.Column("given_names", sa.String(), nullable=False),
        sa.Column("family_name", sa.String(), nullable=False),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("do_not_text", sa.Boolean(), nullable=False),
        sa.Column("deceased", sa.Boolean(), nullable=False),
        sa.Column("silenced", sa.Boolean(), nullable=False),
        sa.Column("acts_from_12", sa.Boolean(), nullable=False),
        sa.Column("consents", DOCUMENT, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("code_index", name=op.f("uq_patient_code_index")),
        sa.UniqueConstraint("key", name=op.f("uq_patient_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "planned_rules",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("rules", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_planned_rules")),
    )
    op.create_table(
        "practitioner",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_practitioner")),
        sa.UniqueConstraint("key", name=op.f("uq_practitioner_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "quarantine",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("bind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint("key", name=op.f("uq_quarantine_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rate_share",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account", "gateway", name=op.f("pk_rate_share")),
    )
    op.create_table(
        "service",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", DOCUMENT, nullable=False),
        sa.Column("minutes", INTEGER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("patient_may", DOCUMENT, nullable=False),
        sa.Column("cutoff", sa.String(), nullable=True),
        sa.Column("lapse", sa.String(), nullable=True),
        sa.Column("reminder_steps", DOCUMENT, nullable=True),
        sa.Column("synonyms", DOCUMENT, nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service")),
        sa.UniqueConstraint("key", name=op.f("uq_service_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "staff_user",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("clinics", DOCUMENT, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_user")),
        sa.UniqueConstraint("name", name=op.f("uq_staff_user_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "stop",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=True),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "purpose = 'answer' OR purpose = 'reminders' OR purpose = 'care' OR purpose = 'offers' OR purpose = 'surveys'",  # noqa: E501
            name=op.f("ck_stop_purpose_is_known"),
        ),
        sa.CheckConstraint(
            "source = 'stop' OR source = 'wrong_number' OR source = 'staff'", name=op.f("ck_stop_source_is_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_stop_number_active", "stop", ["number", "lifted_at"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("patient_id", INTEGER, nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("wording", sa.String(), nullable=False),
        sa.CheckConstraint(
            "purpose = 'answer' OR purpose = 'reminders' OR purpose = 'care' OR purpose = 'offers' OR purpose = 'surveys'",  # noqa: E501
            name=op.f("ck_consent_purpose_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_consent_patient_id"), "consent", ["patient_id"], unique=False)
    op.create_table(
        "contact_number",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("patient_id", INTEGER, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("proven_at", UtcDateTime(), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_contact_number_patient_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_number")),
        sa.UniqueConstraint("patient_id", "number", name=op.f("uq_contact_number_patient_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_contact_number_number"), "contact_number", ["number"], unique=False)
    op.create_table(
        "failed_proof",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("patient_id", INTEGER, nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_failed_proof_patient_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failed_proof")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_failed_proof_number_at", "failed_proof", ["number", "at"], unique=False)
    op.create_index("ix_failed_proof_patient_at", "failed_proof", ["patient_id", "at"], unique=False)
    op.create_table(
        "guardianship",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("guardian_id", INTEGER, nullable=False),
        sa.Column("dependant_id", INTEGER, nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dependant_id"], ["patient.id"], name=op.f("fk_guardianship_dependant_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["guardian_id"], ["patient.id"], name=op.f("fk_guardianship_guardian_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardianship")),
        sa.UniqueConstraint("guardian_id", "dependant_id", name=op.f("uq_guardianship_guardian_id_dependant_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_guardianship_dependant_id"), "guardianship", ["dependant_id"], unique=False)
    op.create_table(
        "slot",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("clinic_id", INTEGER, nullable=False),
        sa.Column("practitioner_id", INTEGER, nullable=True),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("freed_at", UtcDateTime(), nullable=True),
        sa.Column("freed_by", sa.String(32), nullable=True),
        sa.Column("freed_service_id", INTEGER, nullable=True),
        sa.Column("freed_offer_id", INTEGER, nullable=True),
        sa.Column("version", INTEGER, nullable=False),
        sa.CheckConstraint(
            "freed_by = 'text' OR freed_by = 'staff' OR freed_by = 'lapse' OR freed_by = 'claim' OR freed_by = 'undo'",
            name=op.f("ck_slot_freed_by_is_known"),
        ),
        sa.CheckConstraint(
            "state = 'free' OR state = 'taken' OR state = 'held' OR state = 'withdrawn'",
            name=op.f("ck_slot_state_is_known"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_slot_ends_after_it_starts")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_slot_clinic_id")),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name=op.f("fk_slot_practitioner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
        sa.UniqueConstraint("key", name=op.f("uq_slot_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_slot_clinic_starts", "slot", ["clinic_id", "starts_at"], unique=False)
    op.create_index(
        "ix_slot_free",
        "slot",
        ["clinic_id", "starts_at"],
        unique=False,
        sqlite_where=sa.text("state = 'free'"),
        postgresql_where=sa.text("state = 'free'"),
    )
    op.create_index(
        "ix_slot_free_of_practitioner",
        "slot",
        ["practitioner_id", "starts_at"],
        unique=False,
        sqlite_where=sa.text("state = 'free'"),
        postgresql_where=sa.text("state = 'free'"),
    )
    op.create_index(
        "ix_slot_freed",
        "slot",
        ["freed_at"],
        unique=False,
        sqlite_where=sa.text("freed_at IS NOT NULL"),
        postgresql_where=sa.text("freed_at IS NOT NULL"),
    )
    op.create_table(
        "thread",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("service_number", sa.String(), nullable=False),
        sa.Column("clinic_id", INTEGER, nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("session_patient_id", INTEGER, nullable=True),
        sa.Column("session_until", UtcDateTime(), nullable=True),
        sa.Column("unclear", INTEGER, nullable=False),
        sa.Column("undo", DOCUMENT, nullable=True),
        sa.Column("noticed_at", UtcDateTime(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("last_text_at", UtcDateTime(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.CheckConstraint(
            "state = 'bot' OR state = 'waiting' OR state = 'person' OR state = 'closed'",
            name=op.f("ck_thread_state_is_known"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_thread_clinic_id")),
        sa.ForeignKeyConstraint(
            ["session_patient_id"], ["patient.id"], name=op.f("fk_thread_session_patient_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread")),
        sa.UniqueConstraint("number", "service_number", name=op.f("uq_thread_number_service_number")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "appointment",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("patient_id", INTEGER, nullable=False),
        sa.Column("clinic_id", INTEGER, nullable=False),
        sa.Column("service_id", INTEGER, nullable=False),
        sa.Column("practitioner_id", INTEGER, nullable=True),
        sa.Column("slot_id", INTEGER, nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("told_version", INTEGER, nullable=True),
        sa.Column("planned_version", INTEGER, server_default="0", nullable=False),
        sa.CheckConstraint(
            "status = 'provisional' OR status = 'booked' OR status = 'confirmed' OR status = 'cancelled' OR status = 'lapsed' OR status = 'arrived' OR status = 'completed' OR status = 'missed'",  # noqa: E501
            name=op.f("ck_appointment_status_is_known"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_appointment_ends_after_it_starts")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_appointment_clinic_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_appointment_patient_id")),
        sa.ForeignKeyConstraint(["practitioner_id"], ["practitioner.id"], name=op.f("fk_appointment_practitioner_id")),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_appointment_service_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name=op.f("fk_appointment_slot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint("key", name=op.f("uq_appointment_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_appointment_clinic_starts", "appointment", ["clinic_id", "starts_at"], unique=False)
    op.create_index("ix_appointment_patient_starts", "appointment", ["patient_id", "starts_at"], unique=False)
    op.create_index(
        "ix_appointment_unplanned",
        "appointment",
        ["planned_version", "id"],
        unique=False,
        sqlite_where=sa.text("planned_version <> version"),
        postgresql_where=sa.text("planned_version <> version"),
    )
    op.create_index(
        "uq_appointment_live_slot",
        "appointment",
        ["slot_id"],
        unique=True,
        sqlite_where=sa.text("status NOT IN ('cancelled', 'lapsed')"),
        postgresql_where=sa.text("status NOT IN ('cancelled', 'lapsed')"),
    )
    op.create_table(
        "hand_over",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("thread_id", INTEGER, nullable=False),
        sa.Column("inbox_id", INTEGER, nullable=True),
        sa.Column("patient_id", INTEGER, nullable=True),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("command", DOCUMENT, nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("promised_at", UtcDateTime(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "reason = 'emergency' OR reason = 'asked_for_person' OR reason = 'asked_for_call' OR reason = 'not_understood' OR reason = 'needs_human' OR reason = 'number_not_on_file' OR reason = 'name_contradicts_code' OR reason = 'too_many_failures' OR reason = 'too_many_answers' OR reason = 'staff_only' OR reason = 'too_late' OR reason = 'running_late' OR reason = 'wrong_number' OR reason = 'deceased' OR reason = 'do_not_text' OR reason = 'minor' OR reason = 'other_language' OR reason = 'incomplete_text' OR reason = 'could_not_handle'",  # noqa: E501
            name=op.f("ck_hand_over_reason_is_known"),
        ),
        sa.CheckConstraint(
            "state = 'open' OR state = 'taken' OR state = 'closed'", name=op.f("ck_hand_over_state_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_hand_over_patient_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_hand_over_thread_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_over")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_hand_over_open",
        "hand_over",
        ["thread_id"],
        unique=False,
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("bind", sa.String(), nullable=False),
        sa.Column("session_id", INTEGER, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("service_number", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=True),
        sa.Column("coding", INTEGER, nullable=False),
        sa.Column("part_set", sa.LargeBinary(), nullable=True),
        sa.Column("part_number", INTEGER, nullable=True),
        sa.Column("part_total", INTEGER, nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", INTEGER, nullable=False),
        sa.Column("thread_id", INTEGER, nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=True),
        sa.Column("intent", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "outcome = 'answered' OR outcome = 'handed_over' OR outcome = 'no_answer_needed'",
            name=op.f("ck_inbox_outcome_is_known"),
        ),
        sa.CheckConstraint(
            "state = 'new' OR state = 'part' OR state = 'done' OR state = 'joined' OR state = 'failed'",
            name=op.f("ck_inbox_state_is_known"),
        ),
        sa.ForeignKeyConstraint(["session_id"], ["link_session.id"], name=op.f("fk_inbox_session_id")),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_inbox_thread_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbox_digest", "inbox", ["digest", "received_at"], unique=False)
    op.create_index("ix_inbox_number", "inbox", ["number", "id"], unique=False)
    op.create_index(
        "ix_inbox_parts",
        "inbox",
        ["part_set"],
        unique=False,
        sqlite_where=sa.text("state = 'part'"),
        postgresql_where=sa.text("state = 'part'"),
    )
    op.create_index("ix_inbox_thread", "inbox", ["thread_id", "id"], unique=False)
    op.create_index(
        "ix_inbox_waiting",
        "inbox",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state IN ('new', 'part')"),
        postgresql_where=sa.text("state IN ('new', 'part')"),
    )
    op.create_table(
        "slot_service",
        sa.Column("slot_id", INTEGER, nullable=False),
        sa.Column("service_id", INTEGER, nullable=False),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_slot_service_service_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name=op.f("fk_slot_service_slot_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("slot_id", "service_id", name=op.f("pk_slot_service")),
    )
    op.create_table(
        "offer",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("slot_id", INTEGER, nullable=False),
        sa.Column("clinic_id", INTEGER, nullable=False),
        sa.Column("service_id", INTEGER, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("wave_size", INTEGER, nullable=False),
        sa.Column("wave_minutes", INTEGER, nullable=False),
        sa.Column("waves", INTEGER, nullable=False),
        sa.Column("deadline", UtcDateTime(), nullable=False),
        sa.Column("next_wave_at", UtcDateTime(), nullable=True),
        sa.Column("only", DOCUMENT, nullable=True),
        sa.Column("depth", INTEGER, nullable=False),
        sa.Column("parent_id", INTEGER, nullable=True),
        sa.Column("winner_id", INTEGER, nullable=True),
        sa.Column("appointment_id", INTEGER, nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("entries", INTEGER, nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "state = 'open' OR state = 'won' OR state = 'expired' OR state = 'withdrawn'",
            name=op.f("ck_offer_state_is_known"),
        ),
        sa.CheckConstraint("depth BETWEEN 1 AND 3", name=op.f("ck_offer_not_too_deep")),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_offer_appointment_id")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinic.id"], name=op.f("fk_offer_clinic_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["offer.id"], name=op.f("fk_offer_parent_id")),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_offer_service_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name=op.f("fk_offer_slot_id")),
        sa.ForeignKeyConstraint(["winner_id"], ["patient.id"], name=op.f("fk_offer_winner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("key", name=op.f("uq_offer_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_offer_deadline",
        "offer",
        ["deadline"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_offer_next_wave",
        "offer",
        ["next_wave_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_offer_parent", "offer", ["parent_id"], unique=False)
    op.create_index("ix_offer_slot", "offer", ["slot_id"], unique=False)
    op.create_index("ix_offer_winner", "offer", ["winner_id", "closed_at"], unique=False)
    op.create_index(
        "uq_offer_open_slot",
        "offer",
        ["slot_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("thread_id", INTEGER, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("service_number", sa.String(), nullable=False),
        sa.Column("patient_id", INTEGER, nullable=True),
        sa.Column("appointment_id", INTEGER, nullable=True),
        sa.Column("inbox_id", INTEGER, nullable=True),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("lane", INTEGER, nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", INTEGER, nullable=False),
        sa.Column("parts", INTEGER, nullable=False),
        sa.Column("lease_by", sa.String(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("maybe_twice", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("receipt_at", UtcDateTime(), nullable=True),
        sa.Column("receipt_state", sa.String(), nullable=True),
        sa.CheckConstraint(
            "purpose = 'answer' OR purpose = 'reminders' OR purpose = 'care' OR purpose = 'offers' OR purpose = 'surveys'",  # noqa: E501
            name=op.f("ck_outbox_purpose_is_known"),
        ),
        sa.CheckConstraint(
            "state = 'queued' OR state = 'leased' OR state = 'sent' OR state = 'delivered' OR state = 'failed' OR state = 'expired' OR state = 'blocked' OR state = 'withdrawn'",  # noqa: E501
            name=op.f("ck_outbox_state_is_known"),
        ),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_outbox_appointment_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_outbox_patient_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_outbox_thread_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_outbox_about",
        "outbox",
        ["appointment_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'leased')"),
        postgresql_where=sa.text("state IN ('queued', 'leased')"),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["service_number", "lane", "due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_outbox_leased",
        "outbox",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index("ix_outbox_number", "outbox", ["number", "created_at"], unique=False)
    op.create_index("ix_outbox_thread", "outbox", ["thread_id", "id"], unique=False)
    op.create_index(
        "ix_outbox_unsettled",
        "outbox",
        ["number", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'leased')"),
        postgresql_where=sa.text("state IN ('queued', 'leased')"),
    )
    op.create_table(
        "reminder",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("appointment_id", INTEGER, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("for_start", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("outbox_key", sa.String(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "kind = 'reminder' OR kind = 'provisional_ask' OR kind = 'lapse' OR kind = 'push'",
            name=op.f("ck_reminder_kind_is_known"),
        ),
        sa.CheckConstraint(
            "state = 'planned' OR state = 'queued' OR state = 'withdrawn' OR state = 'not_sent'",
            name=op.f("ck_reminder_state_is_known"),
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["appointment.id"], name=op.f("fk_reminder_appointment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint(
            "appointment_id", "kind", "step", "for_start", name=op.f("uq_reminder_appointment_id_kind_step_for_start")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reminder_due", "reminder", ["due_at", "id"], unique=False)
    op.create_index(
        "ix_reminder_planned",
        "reminder",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'planned'"),
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_table(
        "waitlist_entry",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("patient_id", INTEGER, nullable=False),
        sa.Column("service_id", INTEGER, nullable=False),
        sa.Column("clinics", DOCUMENT, nullable=True),
        sa.Column("days", DOCUMENT, nullable=True),
        sa.Column("hours", DOCUMENT, nullable=True),
        sa.Column("notice_minutes", INTEGER, nullable=False),
        sa.Column("weekly_max", INTEGER, nullable=True),
        sa.Column("care_class", INTEGER, nullable=True),
        sa.Column("appointment_id", INTEGER, nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.Column("last_asked_at", UtcDateTime(), nullable=True),
        sa.Column("version", INTEGER, nullable=False),
        sa.CheckConstraint(
            "state = 'active' OR state = 'served' OR state = 'left'", name=op.f("ck_waitlist_entry_state_is_known")
        ),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_waitlist_entry_appointment_id")),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_waitlist_entry_patient_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name=op.f("fk_waitlist_entry_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waitlist_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_waitlist_entry_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_waitlist_entry_service",
        "waitlist_entry",
        ["service_id"],
        unique=False,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "uq_waitlist_entry_patient_service",
        "waitlist_entry",
        ["patient_id", "service_id"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "offer_entry",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("offer_id", INTEGER, nullable=False),
        sa.Column("position", INTEGER, nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("patient_id", INTEGER, nullable=True),
        sa.Column("number", sa.LargeBinary(), nullable=True),
        sa.Column("wave", INTEGER, nullable=True),
        sa.Column("inbox_id", INTEGER, nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=True),
        sa.Column("outbox_key", sa.String(), nullable=True),
        sa.Column("appointment_id", INTEGER, nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "step = 'opened' OR step = 'asked' OR step = 'won' OR step = 'lost' OR step = 'late' OR step = 'refused' OR step = 'declined' OR step = 'undone' OR step = 'expired' OR step = 'withdrawn'",  # noqa: E501
            name=op.f("ck_offer_entry_step_is_known"),
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_offer_entry_offer_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_offer_entry_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer_entry")),
        sa.UniqueConstraint("offer_id", "position", name=op.f("uq_offer_entry_offer_id_position")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_offer_entry_asked",
        "offer_entry",
        ["patient_id", "at"],
        unique=False,
        sqlite_where=sa.text("step = 'asked'"),
        postgresql_where=sa.text("step = 'asked'"),
    )
    op.create_table(
        "offer_skipped",
        sa.Column("offer_id", INTEGER, nullable=False),
        sa.Column("patient_id", INTEGER, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_offer_skipped_offer_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_offer_skipped_patient_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("offer_id", "patient_id", name=op.f("pk_offer_skipped")),
    )
    op.create_table(
        "question",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("thread_id", INTEGER, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("patient_id", INTEGER, nullable=True),
        sa.Column("appointment_id", INTEGER, nullable=True),
        sa.Column("offer_id", INTEGER, nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("outbox_key", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "kind = 'reminder' OR kind = 'provisional' OR kind = 'offer' OR kind = 'options' OR kind = 'which_visit' OR kind = 'which_person' OR kind = 'which_service' OR kind = 'detail' OR kind = 'menu' OR kind = 'proposal' OR kind = 'identity' OR kind = 'clarify' OR kind = 'keep_reminders' OR kind = 'call_time' OR kind = 'callback_notice' OR kind = 'survey'",  # noqa: E501
            name=op.f("ck_question_kind_is_known"),
        ),
        sa.CheckConstraint(
            "state = 'open' OR state = 'answered' OR state = 'expired' OR state = 'superseded' OR state = 'withdrawn'",
            name=op.f("ck_question_state_is_known"),
        ),
        sa.ForeignKeyConstraint(["appointment_id"], ["appointment.id"], name=op.f("fk_question_appointment_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_question_offer_id")),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_question_patient_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["thread.id"], name=op.f("fk_question_thread_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_question_about",
        "question",
        ["appointment_id"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_question_expiry",
        "question",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_question_offer",
        "question",
        ["offer_id"],
        unique=False,
        sqlite_where=sa.text("offer_id IS NOT NULL"),
        postgresql_where=sa.text("offer_id IS NOT NULL"),
    )
    op.create_index(
        "ix_question_open",
        "question",
        ["thread_id"],
        unique=False,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "submission",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("outbox_id", INTEGER, nullable=False),
        sa.Column("part", INTEGER, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("match_key", sa.String(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("receipt_state", sa.String(), nullable=True),
        sa.Column("receipt_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_submission_outbox_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("outbox_id", "part", name=op.f("uq_submission_outbox_id_part")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_submission_match", "submission", ["match_key"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_submission_match", table_name="submission")
    op.drop_table("submission")
    op.drop_index(
        "ix_question_open",
        table_name="question",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index(
        "ix_question_offer",
        table_name="question",
        sqlite_where=sa.text("offer_id IS NOT NULL"),
        postgresql_where=sa.text("offer_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_question_expiry",
        table_name="question",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index(
        "ix_question_about",
        table_name="question",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("question")
    op.drop_table("offer_skipped")
    op.drop_index(
        "ix_offer_entry_asked",
        table_name="offer_entry",
        sqlite_where=sa.text("step = 'asked'"),
        postgresql_where=sa.text("step = 'asked'"),
    )
    op.drop_table("offer_entry")
    op.drop_index(
        "uq_waitlist_entry_patient_service",
        table_name="waitlist_entry",
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_index(
        "ix_waitlist_entry_service",
        table_name="waitlist_entry",
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_table("waitlist_entry")
    op.drop_index(
        "ix_reminder_planned",
        table_name="reminder",
        sqlite_where=sa.text("state = 'planned'"),
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.drop_index("ix_reminder_due", table_name="reminder")
    op.drop_table("reminder")
    op.drop_index(
        "ix_outbox_unsettled",
        table_name="outbox",
        sqlite_where=sa.text("state IN ('queued', 'leased')"),
        postgresql_where=sa.text("state IN ('queued', 'leased')"),
    )
    op.drop_index("ix_outbox_thread", table_name="outbox")
    op.drop_index("ix_outbox_number", table_name="outbox")
    op.drop_index(
        "ix_outbox_leased",
        table_name="outbox",
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.drop_index(
        "ix_outbox_due",
        table_name="outbox",
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_index(
        "ix_outbox_about",
        table_name="outbox",
        sqlite_where=sa.text("state IN ('queued', 'leased')"),
        postgresql_where=sa.text("state IN ('queued', 'leased')"),
    )
    op.drop_table("outbox")
    op.drop_index(
        "uq_offer_open_slot",
        table_name="offer",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index("ix_offer_winner", table_name="offer")
    op.drop_index("ix_offer_slot", table_name="offer")
    op.drop_index("ix_offer_parent", table_name="offer")
    op.drop_index(
        "ix_offer_next_wave",
        table_name="offer",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index(
        "ix_offer_deadline",
        table_name="offer",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_table("offer")
    op.drop_table("slot_service")
    op.drop_index(
        "ix_inbox_waiting",
        table_name="inbox",
        sqlite_where=sa.text("state IN ('new', 'part')"),
        postgresql_where=sa.text("state IN ('new', 'part')"),
    )
    op.drop_index("ix_inbox_thread", table_name="inbox")
    op.drop_index(
        "ix_inbox_parts",
        table_name="inbox",
        sqlite_where=sa.text("state = 'part'"),
        postgresql_where=sa.text("state = 'part'"),
    )
    op.drop_index("ix_inbox_number", table_name="inbox")
    op.drop_index("ix_inbox_digest", table_name="inbox")
    op.drop_table("inbox")
    op.drop_index(
        "ix_hand_over_open",
        table_name="hand_over",
        sqlite_where=sa.text("state <> 'closed'"),
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.drop_table("hand_over")
    op.drop_index(
        "uq_appointment_live_slot",
        table_name="appointment",
        sqlite_where=sa.text("status NOT IN ('cancelled', 'lapsed')"),
        postgresql_where=sa.text("status NOT IN ('cancelled', 'lapsed')"),
    )
    op.drop_index(
        "ix_appointment_unplanned",
        table_name="appointment",
        sqlite_where=sa.text("planned_version <> version"),
        postgresql_where=sa.text("planned_version <> version"),
    )
    op.drop_index("ix_appointment_patient_starts", table_name="appointment")
    op.drop_index("ix_appointment_clinic_starts", table_name="appointment")
    op.drop_table("appointment")
    op.drop_table("thread")
    op.drop_index(
        "ix_slot_freed",
        table_name="slot",
        sqlite_where=sa.text("freed_at IS NOT NULL"),
        postgresql_where=sa.text("freed_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_slot_free_of_practitioner",
        table_name="slot",
        sqlite_where=sa.text("state = 'free'"),
        postgresql_where=sa.text("state = 'free'"),
    )
    op.drop_index(
        "ix_slot_free",
        table_name="slot",
        sqlite_where=sa.text("state = 'free'"),
        postgresql_where=sa.text("state = 'free'"),
    )
    op.drop_index("ix_slot_clinic_starts", table_name="slot")
    op.drop_table("slot")
    op.drop_index(op.f("ix_guardianship_dependant_id"), table_name="guardianship")
    op.drop_table("guardianship")
    op.drop_index("ix_failed_proof_patient_at", table_name="failed_proof")
    op.drop_index("ix_failed_proof_number_at", table_name="failed_proof")
    op.drop_table("failed_proof")
    op.drop_index(op.f("ix_contact_number_number"), table_name="contact_number")
    op.drop_table("contact_number")
    op.drop_index(op.f("ix_consent_patient_id"), table_name="consent")
    op.drop_table("consent")
    op.drop_index("ix_stop_number_active", table_name="stop")
    op.drop_table("stop")
    op.drop_table("staff_user")
    op.drop_table("service")
    op.drop_table("rate_share")
    op.drop_table("quarantine")
    op.drop_table("practitioner")
    op.drop_table("planned_rules")
    op.drop_table("patient")
    op.drop_index("ix_parked_receipt_received", table_name="parked_receipt")
    op.drop_index("ix_parked_receipt_match", table_name="parked_receipt")
    op.drop_table("parked_receipt")
    op.drop_index(
        "ix_link_session_open",
        table_name="link_session",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_table("link_session")
    op.drop_table("idempotent_request")
    op.drop_table("heartbeat")
    op.drop_index("ix_event_at", table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_clinic_number"), table_name="clinic")
    op.drop_table("clinic")
    op.drop_table("catalogue")
    op.drop_index("ix_audit_thread", table_name="audit")
    op.drop_index("ix_audit_patient", table_name="audit")
    op.drop_table("audit")
    op.drop_table("api_key")
