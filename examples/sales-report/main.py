"""Gets the event as JSON on standard input, and prints its output as JSON: what was sold in each region."""

import json
import statistics
import sys
from collections import defaultdict

sales = json.load(sys.stdin)["event"]["data"]["sales"]
by_region: defaultdict[str, list[int]] = defaultdict(list)
for sale in sales:
    by_region[sale["region"]].append(sale["amount"])

# Standard error is the log, which is kept with the attempt.
print(f"{len(sales)} sales in {len(by_region)} regions", file=sys.stderr)

report = {
    region: {"sales": len(amounts), "total": sum(amounts), "median": statistics.median(amounts)}
    for region, amounts in sorted(by_region.items())
}
json.dump({"status": 200, "body": report}, sys.stdout)
