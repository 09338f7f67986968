from statistics import mean

for low in range(18, 34, 4):
    sold = [day["scoops"] for day in days if low <= day["heat"] < low + 4]
    print(f"{low} to {low + 3} degrees", "█" * round(mean(sold) / 8), round(mean(sold)))
