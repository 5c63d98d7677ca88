"""When and how loud each horn must be so that its sound is one with its neighbours' where people stand."""
