from statistics import correlation

def heat_and_scoops(days):
    return [day["heat"] for day in days], [day["scoops"] for day in days]

odd = min(days, key=lambda day: day["scoops"] / day["heat"])
odd, round(correlation(*heat_and_scoops(days)), 2)
