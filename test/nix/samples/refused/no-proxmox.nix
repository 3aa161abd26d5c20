{
  doc2 = {
    hostname = "doc2";
  };
}
