"""Templates of CloudFormation and policies of IAM for models.

Both are dicts; write them as JSON for CloudFormation or Terraform. No function here sends a request.

>>> from dynamodb_py import CharField, Model
>>> class Book(Model):
...     isbn = CharField(hash_key=True)
>>> template = make_template([Book])
>>> list(template["Resources"])
['Book']
>>> make_policy([Book], "read", region="eu-west-1", account="123456789012")["Statement"][0][
...     "Resource"
... ]
['arn:aws:dynamodb:eu-west-1:123456789012:table/Book']
"""

from .policies import ACCESSES, Access, make_policy, make_policy_template
from .templates import make_template

__all__ = ["ACCESSES", "Access", "make_policy", "make_policy_template", "make_template"]
