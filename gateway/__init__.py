"""Ways a text travels: channels that carry texts in and out, and the words they share with the desk."""
