/* The cheapest static process. */
int main(void) { return 0; }
