"""Figures of the data and of the customers: rows by layer, tenths by score, profit by share contacted."""

from collections.abc import Sequence

from jobs.formatting import UNBREAKABLE, count, fixed, percent, short_count
from jobs.reporting.contact_plan import ContactPlan
from jobs.reporting.scores import Tenth
from jobs.reporting.styles import RULES
from jobs.reporting.svg import (
    COLOURS,
    MUTED,
    SERIES,
    SMALL,
    as_line,
    as_svg,
    bar_axes,
    drawing,
    margins,
    mark,
    percent_ticks,
    row_label,
)
from models.targeting.uplift import DecileUplift

ROW = 40.0  # height of a bar with its label above it


def flow_figure(rows_out: Sequence[tuple[str, int]]) -> str:
    """The number of rows of each layer as bars, the first layer on top."""
    with drawing(ROW * len(rows_out) + 10) as figure:
        axes = bar_axes(figure, len(rows_out))
        most = max((rows for _, rows in rows_out), default=1) or 1
        axes.set_xlim(0, most)
        for row, (name, rows) in enumerate(rows_out):
            axes.barh(row + 0.66, max(rows, most / 400), height=0.4, color=SERIES[0])
            row_label(axes, row, name, count(rows))
        return as_svg(figure, "flow", "Rows by layer: " + ", ".join(f"{name} {count(rows)}" for name, rows in rows_out))


def deciles_figure(tenths: Sequence[Tenth], do: str) -> str:
    """How likely each tenth of the customers is to do it, and how many are in it."""
    with drawing(260) as figure:
        axes = margins(figure, left=42, bottom=54, right=4, top=14)
        axes.grid(True, axis="y")
        places = [one.number for one in tenths]
        heights = [one.share for one in tenths]
        axes.bar(places, heights, width=0.78, color=SERIES[0])
        for place, height in zip(places, heights, strict=True):
            axes.text(place, height + 0.015, f"{100 * height:.0f}", ha="center", fontsize=SMALL)
        axes.set(xlim=(0.4, 10.6), ylim=(0, 1.04), xticks=range(1, 11))
        percent_ticks(axes.yaxis, [0, 0.2, 0.4, 0.6, 0.8, 1])
        customers = {one.number: short_count(one.customers) for one in tenths}
        axes.set_xticklabels([f"{decile}\n{customers.get(decile, '0')}" for decile in range(1, 11)])
        axes.tick_params(length=0)
        axes.set_xlabel("Tenth of the customers, and how many are in it")
        return as_svg(figure, "deciles", f"Mean probability to {do} by tenth of the customers")


def profit_figure(plan: ContactPlan) -> str:
    """Profit by share contacted, by the model and by other rules with their intervals, and where the plan stands."""
    with drawing(280) as figure:
        axes = margins(figure, left=48, bottom=42, right=10, top=24)
        axes.grid(True)
        axes.axhline(0, color=MUTED, lw=1)
        shares = [0.0, *(one.share for one in plan.curve)]
        for rule in reversed(plan.curve[0].rules):
            look = RULES[rule]
            found = [one.profit[rule] for one in plan.curve]
            if rule != "random":
                low, high = [0.0, *(one.low for one in found)], [0.0, *(one.high for one in found)]
                axes.fill_between(shares, low, high, color=COLOURS[look.colour], alpha=0.16, lw=0)
            axes.plot(shares, [0.0, *(one.value for one in found)], **as_line(look))
        axes.set_xlim(0, 1)
        mark(axes, plan.share, f"this plan: {percent(plan.share)}")
        percent_ticks(axes.xaxis, [0, 0.2, 0.4, 0.6, 0.8, 1])
        axes.yaxis.set_major_formatter(lambda value, _: fixed(value, 0 if abs(value) >= 10 or value == 0 else 1))
        axes.set_xlabel("Share of the customers contacted")
        axes.set_ylabel(f"Profit per 1,000 customers, {plan.summary.currency}")
        return as_svg(figure, "profit", "Profit by share of the customers contacted, for the model and other rules")


def uplift_figure(tenths: Sequence[DecileUplift]) -> str:
    """How many more of each tenth stayed when treated, with intervals."""
    with drawing(240) as figure:
        axes = margins(figure, left=48, bottom=42, right=4, top=10)
        axes.grid(True, axis="y")
        axes.axhline(0, color=MUTED, lw=1)
        places = [one.decile for one in tenths]
        values = [100 * one.uplift.value for one in tenths]
        below = [100 * (one.uplift.value - one.uplift.low) for one in tenths]
        above = [100 * (one.uplift.high - one.uplift.value) for one in tenths]
        axes.errorbar(places, values, yerr=[below, above], fmt="o", color=SERIES[0], ms=5, lw=1.6)
        axes.set(xlim=(0.4, 10.6), xticks=range(1, 11))
        axes.yaxis.set_major_formatter(lambda value, _: fixed(value, 0 if value == round(value) else 1))
        axes.set_xlabel("Tenth of the customers by risk of leaving")
        axes.set_ylabel(f"Uplift in points of{UNBREAKABLE}percent")
        return as_svg(figure, "uplift", "Uplift by tenth of the customers")
