"""Every address of the desk."""

urlpatterns: list[object] = []
