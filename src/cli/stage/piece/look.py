[day for day in days if not day["scoops"].isdigit()]
