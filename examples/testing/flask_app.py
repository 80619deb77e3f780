"""A small shop in Flask."""

from flask import Flask, abort, jsonify, request
from models import Customer, Order

from dynamodb_py import connect


def create_app(table_prefix="live-"):
    connect(region_name="eu-west-1", table_prefix=table_prefix)
    app = Flask(__name__)

    @app.get("/orders/<key>")
    def show(key):
        order = Order.objects.get_or_none(id=key) or abort(404)
        return jsonify(id=order.id, total=order.total, status=order.status)

    @app.post("/orders")
    def place():
        sent = request.get_json()
        try:
            Order.create(id=sent["id"], customer=Customer.get(id=sent["customer"]))
        except Order.AlreadyExists:
            abort(409)
        return "", 201

    return app
