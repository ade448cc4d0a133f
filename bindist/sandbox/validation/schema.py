"""Validation of request bodies and queries, as data.

The reference server validates with Joi and reports every mistake of a request in one message. A
schema maps field names to fields; a field converts what it may (numbers in text, surrounding
spaces), then tells all that is wrong, in the order of its rules. Unknown fields are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import javascript

MISSING: Any = object()


class ValidationError(Exception):
    """What is wrong with a request: one sentence for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("Validation failed: " + ", ".join(problems))


class RuleError(Exception):
    """Raised by a rule: what the value must be, to be put behind the field's name."""


Rule = Callable[[Any], Any]
Schema = Mapping[str, "Field"]


def validate(schema: Schema, data: object) -> dict[str, Any]:
    """The known fields of the data, converted. Raises ValidationError."""
    if not isinstance(data, dict):
        raise ValidationError(['"value" must be of type object'])
    result: dict[str, Any] = {}
    problems: list[str] = []
    for name, field in schema.items():
        value = field.check(name, data.get(name, MISSING), problems)
        if value is not MISSING:
            result[name] = value
    if problems:
        raise ValidationError(problems)
    return result


@dataclass(kw_only=True, eq=False, repr=False)
class Field:
    """What all fields share. `only` lists the values accepted, `allow` those no rule looks at."""

    required: bool = False
    default: Any = MISSING
    allow: tuple[object, ...] = ()
    only: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    def check(self, label: str, value: Any, problems: list[str]) -> Any:
        if value is MISSING:
            if self.required:
                problems.append(f'"{label}" is required')
            return self.default
        try:
            value = self.convert(value)
            if self.accepts(value):
                return value
            if self.only:
                problems.append(f'"{label}" must be one of [{", ".join(self.only)}]')
            self.base(value)
        except RuleError as error:  # a wrong type hides all else
            problems.append(f'"{label}" {error}')
            return value
        for rule in self.rules:
            value = _apply(rule, label, value, problems)
        return value

    def accepts(self, value: Any) -> bool:
        """Whether the value is one of those that need no further look."""
        return any(value is known or value == known for known in (*self.allow, *self.only))

    def convert(self, value: Any) -> Any:
        return value

    def base(self, value: Any) -> None:
        raise NotImplementedError


@dataclass(kw_only=True, eq=False, repr=False)
class Text(Field):
    trim: bool = False

    def convert(self, value: Any) -> Any:
        return javascript.trim(value) if self.trim and isinstance(value, str) else value

    def base(self, value: Any) -> None:
        if not isinstance(value, str):
            raise RuleError("must be a string")
        if not value:
            raise RuleError("is not allowed to be empty")


@dataclass(kw_only=True, eq=False, repr=False)
class Number(Field):
    def convert(self, value: Any) -> Any:
        if isinstance(value, str):
            number, exact = javascript.number_from_text(value)
            if not exact:
                raise RuleError("must be a safe number")
            if number is not None:
                value = number
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return value

    def base(self, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
            raise RuleError("must be a number")
        if abs(value) > MAX_DOUBLE:
            raise RuleError("cannot be infinity")
        if abs(value) > javascript.MAX_SAFE_INTEGER:
            raise RuleError("must be a safe number")


@dataclass(kw_only=True, eq=False, repr=False)
class Flag(Field):
    def convert(self, value: Any) -> Any:
        words = {"true": True, "false": False}
        return words.get(value.lower(), value) if isinstance(value, str) else value

    def base(self, value: Any) -> None:
        if not isinstance(value, bool):
            raise RuleError("must be a boolean")


@dataclass(kw_only=True, eq=False, repr=False)
class Items(Field):
    item: Field

    def check(self, label: str, value: Any, problems: list[str]) -> Any:
        if isinstance(value, list):
            value = [
                self.item.check(f"{label}[{index}]", item, problems)
                for index, item in enumerate(value)
            ]
        return super().check(label, value, problems)

    def base(self, value: Any) -> None:
        if not isinstance(value, list):
            raise RuleError("must be an array")


MAX_DOUBLE = 1.7976931348623157e308


def at_least(limit: int) -> Rule:
    return _rule(lambda v: v >= limit, f"must be greater than or equal to {limit}")


def at_most(limit: int) -> Rule:
    return _rule(lambda v: v <= limit, f"must be less than or equal to {limit}")


def integer(value: Any) -> Any:
    if value % 1:
        raise RuleError("must be an integer")
    return value


def min_length(limit: int) -> Rule:
    problem = f"length must be at least {limit} characters long"
    return _rule(lambda v: javascript.length(v) >= limit, problem)


def max_length(limit: int) -> Rule:
    problem = f"length must be less than or equal to {limit} characters long"
    return _rule(lambda v: javascript.length(v) <= limit, problem)


def max_items(limit: int) -> Rule:
    return _rule(lambda v: len(v) <= limit, f"must contain less than or equal to {limit} items")


def pattern(expression: str) -> Rule:
    compiled = re.compile(expression, re.ASCII)

    def rule(value: str) -> str:
        if not compiled.fullmatch(value):
            raise RuleError(
                f'with value "{value}" fails to match the required pattern: /^{expression}$/'
            )
        return value

    return rule


def _apply(rule: Rule, label: str, value: Any, problems: list[str]) -> Any:
    try:
        return rule(value)
    except RuleError as error:
        problems.append(f'"{label}" {error}')
        return value


def _rule(holds: Callable[[Any], bool], problem: str) -> Rule:
    def rule(value: Any) -> Any:
        if not holds(value):
            raise RuleError(problem)
        return value

    return rule
