"""Functions for the rules of Osprey (github.com/roostorg/osprey), which score the messages of a platform as they are sent."""
