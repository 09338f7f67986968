days = [
    {"day": day["day"], "heat": int(day["temperature"]), "scoops": int(day["scoops"])}
    for day in days
    if day["scoops"].isdigit()
]
sum(day["scoops"] for day in days)
