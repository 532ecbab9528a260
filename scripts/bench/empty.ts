// The empty program, whose start is the runtime's own.
