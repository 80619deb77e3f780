from django.http import JsonResponse

from dynamodb_py.contrib.responses import ANSWERED, answer_error


class DynamoDBErrors:
    """Turn the errors of the database that a client caused, and temporary ones, into responses."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        if not isinstance(error, ANSWERED):
            return None
        answer = answer_error(error, if_match=request.headers.get("If-Match"))
        return JsonResponse({"detail": answer.detail}, status=answer.status, headers=answer.headers)
