"""CEL, the Common Expression Language: conditions, keys and waits of functions.

Pure Python: neither Django nor the database is imported here, and no clock is read. See docs/expressions.md.
"""

from apps.expressions.cost import DEFAULT_BUDGET, Allowance
from apps.expressions.equalities import Equality, equalities
from apps.expressions.errors import AllowanceSpent, CostExceeded, ExpressionError, InvalidExpression
from apps.expressions.expression import Expression, compile_expression
from apps.expressions.hashing import hash_values
from apps.expressions.json_values import read_json
from apps.expressions.moments import moment
from apps.expressions.parsing import MAX_DEPTH, MAX_LENGTH
from apps.expressions.reading import fields_read
from apps.expressions.selecting import look_up
from apps.expressions.templates import Key, compile_key
from apps.expressions.values import UInt, Value, Variables

__all__ = [
    "DEFAULT_BUDGET",
    "MAX_DEPTH",
    "MAX_LENGTH",
    "Allowance",
    "AllowanceSpent",
    "CostExceeded",
    "Equality",
    "Expression",
    "ExpressionError",
    "InvalidExpression",
    "Key",
    "UInt",
    "Value",
    "Variables",
    "compile_expression",
    "compile_key",
    "equalities",
    "fields_read",
    "hash_values",
    "look_up",
    "moment",
    "read_json",
]
