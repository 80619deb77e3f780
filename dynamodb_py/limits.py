"""DynamoDB's limits, each with its source.

Unless another page is named: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""

from __future__ import annotations

from typing import Final

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_BATCH_GET: Final = 100
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
MAX_BATCH_WRITE: Final = 25
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
MAX_BATCH_STATEMENTS: Final = 25
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
MAX_TRANSACTION: Final = 100
MAX_TOKEN: Final = 36
MAX_TRANSACTION_BYTES: Final = 4 * 1024 * 1024

MAX_ITEM_BYTES: Final = 400 * 1024
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
READ_UNIT_BYTES: Final = 4 * 1024
WRITE_UNIT_BYTES: Final = 1024
MAX_HASH_KEY_BYTES: Final = 2048
MAX_RANGE_KEY_BYTES: Final = 1024
MAX_KEY_NAME_BYTES: Final = 255
MAX_DEPTH: Final = 32
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html#DDB-Scan-request-TotalSegments
MAX_SEGMENTS: Final = 1_000_000

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
MAX_DIGITS: Final = 38
MIN_EXPONENT: Final = -130
MAX_EXPONENT: Final = 125

MAX_EXPRESSION_BYTES: Final = 4 * 1024
MAX_OPERATORS: Final = 300
MAX_IN: Final = 100

MAX_GLOBAL_INDEXES: Final = 20
MAX_LOCAL_INDEXES: Final = 5
MAX_PROJECTED_ATTRIBUTES: Final = 100
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
MAX_KEY_PARTS: Final = 4
MIN_TABLE_NAME: Final = 3
MAX_TABLE_NAME: Final = 255
MAX_BACKUP_DAYS: Final = 35
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Tag.html
MAX_TAGS: Final = 50
MAX_TAG_KEY: Final = 128
MAX_TAG_VALUE: Final = 256
