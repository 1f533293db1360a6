"""Operations on what a player did: streak, calendar, log, awards."""

from __future__ import annotations

from chalicelib.api.progress.reads import of_any_player, own

SERVICES = "chalicelib.services.progress"
STREAK = f"{SERVICES}.read_streak:read_streak"
CALENDAR = f"{SERVICES}.read_calendar:read_calendar"
LOG = f"{SERVICES}.read_log:read_log"
AWARDS = f"{SERVICES}.read_log:read_awards"

OPERATIONS = (
    own("read_own_streak", "streak", "streak", STREAK, answer="StreakShown"),
    of_any_player("read_player_streak", "/streak", "streak", STREAK, answer="StreakShown"),
    own("read_own_calendar", "calendar", "last days", CALENDAR, query="CalendarQuery", answer="Calendar"),
    of_any_player("read_player_calendar", "/calendar", "last days", CALENDAR, query="CalendarQuery", answer="Calendar"),
    own("read_own_log", "log", "log", LOG, query="LogQuery", answer="Log"),
    of_any_player("read_player_log", "/log", "log", LOG, query="LogQuery", answer="Log"),
    own("read_own_awards", "awards", "awards", AWARDS, query="LogQuery", answer="Log"),
    of_any_player("read_player_awards", "/awards", "awards", AWARDS, query="LogQuery", answer="Log"),
)
