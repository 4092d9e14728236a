"""The figures to reach: least that may land, goal, and where we want to be."""

from dataclasses import dataclass

from measure import Ratio


@dataclass(frozen=True)
class Goal:
    gate: float
    goal: float
    stretch: float


GOALS = {
    # Ingest
    "sync.cold.cpu_per_scan": Goal(6, 4, 2.5),
    "sync.cold.same_files_per_scan": Goal(6, 4, 2.5),
    "sync.cold.cpu_per_peer": Goal(2, 1.0, 0.6),
    "sync.cold.wall_per_cpu": Goal(1.1, 0.75, 0.6),
    "sync.cold.peak_mib": Goal(96, 64, 32),
    "sync.cold.peak_growth": Goal(1.5, 1.25, 1.1),
    "sync.cold.linearity": Goal(1.3, 1.15, 1.05),
    "sync.giant.peak_growth": Goal(1.5, 1.25, 1.1),
    "sync.nochange.cpu_per_walk": Goal(6, 4, 2),
    "sync.growth.kib_read_per_file": Goal(256, 64, 4),
    "sync.growth.cpu_per_byte": Goal(5, 3, 2),
    "store.bytes_per_source_byte": Goal(0.04, 0.025, 0.015),
    # Hooks
    "hook.prompt.p50": Goal(5, 3, 2),
    "hook.prompt.p99_per_p50": Goal(4, 2.5, 2),
    "hook.other.p50": Goal(2.5, 1.5, 1.0),
    "hook.guard.p50": Goal(5, 3, 2),
    "hook.stop.large_per_median": Goal(1.3, 1.15, 1.05),
    "hook.prompt.peak_mib": Goal(12, 6, 4),
    # Tables: 100,000 rows, against the bare step loop over the same query
    "export.rows.cpu_per_step": Goal(2, 1.3, 1.1),
    "python.rows.cpu_per_step": Goal(2, 1.5, 1.2),
    "python.rows.peak_per_byte": Goal(2.5, 2, 1.3),
    # Commands
    "cli.help": Goal(8, 5, 3),
    "cli.version": Goal(8, 5, 3),
    "cli.status": Goal(40, 20, 10),
    "cli.last": Goal(40, 20, 10),
    "cli.doctor": Goal(40, 20, 10),
    "cli.badge": Goal(40, 20, 10),
    "cli.skills": Goal(40, 20, 10),
    "cli.status.full_per_empty": Goal(4, 3, 1.5),
    "cli.status.peak_mib": Goal(48, 24, 16),
    # Dashboard; the slowest route counts
    "dash.start_per_nop": Goal(80, 40, 15),
    "dash.health_p99_ms": Goal(2, 1, 0.3),
    "dash.route_p50_ms": Goal(20, 5, 2),
    "dash.route_p99_ms": Goal(50, 20, 5),
    "dash.first_call_ms": Goal(150, 60, 20),
    "dash.crowded_p99_ms": Goal(150, 60, 20),
    "dash.overview_kb": Goal(250, 150, 60),
    "dash.event_p50_ms": Goal(250, 30, 5),
    "dash.event_p99_ms": Goal(1000, 150, 20),
    "dash.memory_start_mib": Goal(40, 20, 12),
    "dash.memory_busy_mib": Goal(96, 40, 24),
    "dash.idle_wakes_per_s": Goal(2, 0.5, 0.1),
}


def reached(name, ratio):
    """The best level that the median reaches; `missed` below the gate."""
    goal = GOALS[name]
    for level in ("stretch", "goal", "gate"):
        if ratio.median <= getattr(goal, level):
            return level
    return "missed"


def breaks_gate(name, ratio):
    """Noise tolerance: the gate is missed only if the best run misses it too."""
    return ratio.median > GOALS[name].gate and ratio.low > GOALS[name].gate


def row_text(name, ratio, unit=""):
    goal = GOALS[name]
    return (f"{name:34} ratio {ratio.median:9.3f} {ratio.low:9.3f} {ratio.high:9.3f} "
            f"{goal.gate:g}|{goal.goal:g}|{goal.stretch:g} {reached(name, ratio)}")


def row_json(name, ratio, note):
    goal = GOALS[name]
    return {"name": name, "median": ratio.median, "min": ratio.low, "max": ratio.high,
            "gate": goal.gate, "goal": goal.goal, "stretch": goal.stretch,
            "reached": reached(name, ratio), "note": note}


def table(rows):
    """The rows of a report as a table in Markdown."""
    lines = ["| Row | median | min | max | gate, goal, stretch | reached | |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        levels = ", ".join(f"{row[level]:g}" for level in ("gate", "goal", "stretch"))
        lines.append(f"| `{row['name']}` | {row['median']:.3f} | {row['min']:.3f} | {row['max']:.3f} | {levels} | "
                     f"{row['reached']} | {row['note']} |")
    return "\n".join(lines) + "\n"


__all__ = ["GOALS", "Goal", "Ratio", "breaks_gate", "reached", "row_json", "row_text", "table"]
