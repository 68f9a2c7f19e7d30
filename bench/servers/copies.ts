/** How often each line of a fan-out goes to each client: as in load.c and cpython.py. */
export const COPIES = 100;
