"""Operations: one frozen value for each DynamoDB API call, with a payload and a parser."""
