// Two libraries for unwinder_test.cc, the same but for the size of a frame (ROOM).
void call_back(void (*function)(void*), void* data) {
  volatile char room[ROOM];
  room[0] = 1;
  function(data);
  room[ROOM - 1] = room[0];
}
