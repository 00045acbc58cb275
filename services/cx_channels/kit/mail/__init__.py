"""What a mail means, shared by the providers that bring mails: no provider itself, and no I/O."""
