"""The totals as a function of AWS Lambda: the handler is ``function.handler``.

Its event source mapping needs ``FunctionResponseTypes=["ReportBatchItemFailures"]``.
"""

from __future__ import annotations

import models
import totals  # connects the receiver

from dynamodb_py import stream_handler

handler = stream_handler(models.Order)
RECEIVERS = [totals.add_up]
