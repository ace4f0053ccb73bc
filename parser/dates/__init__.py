"""Days and hours in people's words: lexemes, clocks, days, groups, and what they mean for the visit."""
