"""What a debtor may ask about his data (LGPD), and what is done with them when their time is over."""
