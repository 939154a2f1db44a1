"""The intake room: files of any agency and a crosswalk go in; standard case records and refused cells come out."""
