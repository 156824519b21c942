"""Reads numbers as people and programs write them: with signs of currencies, decimal marks and thousands marks."""

import re

# Symbols, and the names that come before or after an amount; other words beside a number make it no number.
_SYMBOLS = "$€£¥₹₽₺₩₪₫₴₱₦₡₲₵₸₼₾฿¢"
_NAMES = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD PEN "
    "PHP PLN RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR Fr. SFr. kr kr. zł Kč Ft lei лв. руб. Rp RM Rs Rs."
)
_WORDS = "|".join(re.escape(name) for name in sorted(_NAMES.split(), key=len, reverse=True))
_CURRENCY = rf"(?:[A-Z]{{0,2}}[{_SYMBOLS}]|{_WORDS})"
_BLANK = "[ \t\xa0\u2007\u2009\u202f]"
_MINUS = "[-\u2212\u2010\u2013]"  # after the decimal mark, `1'080.-` and `9,--`, it stands for no cents
MOST_CHARACTERS = 80  # of a number with its marks; longer texts would take the pattern long
_GROUP_MARKS = {"": "", ".": r"\.", ",": ",", "'": "['\u2019]", " ": _BLANK}


class Numbers:
    """Reads numbers with some decimal mark (`.` or `,`) and some thousands mark (empty if there is none)."""

    def __init__(self, decimal: str, thousands: str) -> None:
        mark, group = re.escape(decimal), _GROUP_MARKS[thousands]
        whole = rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+" if group else "[0-9]+"
        self._plain = re.compile(r"-?[0-9]+(?:\.[0-9]+)?" if decimal == "." else "-?[0-9]+")
        self._any = re.compile(
            rf"(?P<open>\()?{_BLANK}*(?P<sign>{_MINUS}|\+)?{_BLANK}*(?P<before>{_CURRENCY})?{_BLANK}*"
            rf"(?P<inner>{_MINUS}|\+)?{_BLANK}*"
            rf"(?:(?P<whole>{whole})(?:{mark}(?:(?P<fraction>[0-9]+)|{_MINUS}{{1,2}})?)?|{mark}(?P<only>[0-9]+))(?P<exponent>[eE][+-]?[0-9]+)?"
            rf"{_BLANK}*(?P<after_sign>{_MINUS})?{_BLANK}*(?P<after>{_CURRENCY})?{_BLANK}*(?P<last>{_MINUS})?"
            rf"{_BLANK}*(?(open)\))"
        )
        self._digits = re.compile("[^0-9]")

    def __call__(self, text: str) -> str | None:
        """The number with a point as its decimal mark and no other marks; None if the text is not a number."""
        if self._plain.fullmatch(text):
            return text
        text = text.strip()
        found = self._any.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
        if not found or (found["before"] and found["after"]):
            return None
        signs = [sign for sign in (found["sign"], found["inner"], found["after_sign"], found["last"]) if sign]
        if len(signs) + bool(found["open"]) > 1:
            return None
        is_negative = bool(found["open"]) or any(sign != "+" for sign in signs)
        whole = self._digits.sub("", found["whole"] or "") or "0"
        fraction = found["only"] or found["fraction"]
        point = f".{fraction}" if fraction else ""
        return f"{'-' if is_negative else ''}{whole}{point}{found['exponent'] or ''}"
