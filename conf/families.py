"""Families of features: what a reason is given by, since the columns of a family say much the same of a customer."""

from typing import Literal

Family = Literal["recency", "frequency", "depth", "trend", "money", "taste"]

FAMILIES: dict[Family, str] = {
    "recency": "how recently",
    "frequency": "how often",
    "depth": "how fully",
    "trend": "more or less than before",
    "money": "how much money",
    "taste": "what",
}
FAMILY_OF_KIND: dict[str, Family] = {
    "days": "recency",
    "count": "frequency",
    "flag": "frequency",
    "duration": "frequency",
    "share": "depth",
    "rating": "depth",
    "ratio": "trend",
    "amount": "money",
    "category": "taste",
    "sketch": "taste",
}
