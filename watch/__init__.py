"""What an operator looks at: figures of the database and of Temporal, as Prometheus reads them."""
