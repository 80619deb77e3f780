from django.contrib.auth.models import User
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from .models import Order


def list_orders(request, name):
    user = get_object_or_404(User, username=name)
    return JsonResponse({"orders": [each.id for each in Order.objects.filter(user=user.pk)]})


async def show_order(request, user, key):
    order = await Order.objects.aget(user=user, id=key)
    return JsonResponse({"status": order.status})


urlpatterns = [path("<str:name>/orders", list_orders), path("<int:user>/orders/<key>", show_order)]
