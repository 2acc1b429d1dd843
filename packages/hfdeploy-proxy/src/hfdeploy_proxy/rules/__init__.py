"""What passes the relay, and how it is changed on the way. Pure: values in, values out."""
