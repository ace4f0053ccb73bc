"""What texts are made of: the words we read, the messages we write, and the alphabets that carry them."""
