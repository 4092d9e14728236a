/* The cheapest dynamically linked process: the unit of start-up time. */
int main(void) { return 0; }
