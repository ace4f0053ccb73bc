"""What the clinic does: pure decisions, and the desk, post and clerk who read and write around them."""
