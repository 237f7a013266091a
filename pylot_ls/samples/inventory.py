"""Stock of a small warehouse: items, movements and a report."""

import argparse
import json
import logging
import os
from collections import defaultdict

logger = logging.getLogger(__name__)


class StockError(Exception):
    """Raised when a movement cannot be made."""


class Item:
    """One kind of thing in the warehouse."""

    def __init__(self, name, price, quantity=0):
        self.name = name
        self.price = price
        self.quantity = quantity

    def __repr__(self):
        return f"Item({self.name!r}, {self.price!r}, {self.quantity!r})"

    def __eq__(self, other):
        if not isinstance(other, Item):
            return NotImplemented
        return self.name == other.name

    @property
    def value(self):
        return self.price * self.quantity


class Warehouse:
    """All items by name."""

    def __init__(self, path=None):
        self.path = path
        self.items = {}
        self.listeners = []

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(self.items.values())

    def __contains__(self, name):
        return name in self.items

    def add(self, item):
        if item.name in self.items:
            raise ValueError(f"{item.name} is already there")
        self.items[item.name] = item
        self._notify(item)

    def remove(self, name, quantity):
        item = self.items.get(name)
        if item is None:
            raise KeyError(name)
        if item.quantity < quantity:
            raise StockError(f"only {item.quantity} of {name} left")
        item.quantity -= quantity
        self._notify(item)

    def total(self):
        return sum(item.value for item in self)

    def by_price(self):
        groups = defaultdict(list)
        for item in self:
            groups[item.price].append(item)
        return groups

    def _notify(self, item):
        for listener in self.listeners:
            listener(item)

    def load(self):
        if not os.path.exists(self.path):
            logger.warning("no file at %s", self.path)
            return
        with open(self.path, "r") as f:
            data = json.load(f)
        for entry in data:
            self.add(Item(entry["name"], entry["price"], entry["quantity"]))

    def save(self):
        data = []
        for item in self:
            data.append({"name": item.name, "price": item.price, "quantity": item.quantity})
        with open(self.path, "w") as f:
            json.dump(data, f, indent=2)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", help="the stock file")
    parser.add_argument("--verbose", action="store_true", help="log more")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.DEBUG if args.verbose else logging.INFO)
    warehouse = Warehouse(args.path)
    warehouse.load()
    for item in warehouse:
        print(item.name, item.quantity, item.value)
    print("total:", warehouse.total())
    return 0


if __name__ == "__main__":
    main()
